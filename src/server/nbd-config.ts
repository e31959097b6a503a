import { join } from 'node:path';
import { OperatingError } from '../base/errors.ts';
import { type Address, formatAddress, invalidFlag, isLoopback, isWildcard } from './address.ts';
import type { Settings } from './config-options.ts';
import type { LabelOf } from './config-settings.ts';
import { readSocketPath } from './config-values.ts';
import type { NbdTlsFiles } from './nbd-tls.ts';

export interface NbdConfig {
  /** Where NBD listens on TCP. */
  readonly nbd: Address;
  /** What clients are told to connect to; undefined: as it listens. */
  readonly nbdPublic: Address | undefined;
  readonly nbdSocketPath: string;
  /** Undefined: TCP is in clear. */
  readonly nbdTls: NbdTlsFiles | undefined;
}

/** Checks the options of NBD against each other and fills in the defaults. */
export function readNbdConfig(settings: Settings, labelOf: LabelOf): NbdConfig {
  const { nbd, nbdInsecure: insecure, nbdSocket, data } = settings;
  const nbdTls = tlsFiles(settings, labelOf);
  if (insecure && nbdTls !== undefined) {
    const why = 'TLS is required where it is configured';
    throw both(labelOf('nbdInsecure'), labelOf('nbdTlsCert'), why);
  }
  if (!isLoopback(nbd.host) && nbdTls === undefined && !insecure) {
    const expected =
      'TLS on an address that other machines reach: give --nbd-tls-cert and --nbd-tls-key, ' +
      'or --nbd-insecure to send data and export names in clear';
    throw invalidFlag(labelOf('nbd'), formatAddress(nbd), expected);
  }
  return {
    nbd,
    nbdPublic: publicAddress(settings, labelOf),
    nbdSocketPath: nbdSocket ?? readSocketPath(join(data, 'nbd.sock'), labelOf('nbdSocket')),
    nbdTls,
  };
}

function tlsFiles(settings: Settings, labelOf: LabelOf): NbdTlsFiles | undefined {
  const { nbdTlsCert: certificate, nbdTlsKey: key, nbdTlsClientCa: clientAuthority } = settings;
  if (certificate === undefined && key === undefined) {
    if (clientAuthority === undefined) return undefined;
    throw missing(labelOf('nbdTlsClientCa'), '--nbd-tls-cert and --nbd-tls-key');
  }
  if (key === undefined) throw missing(labelOf('nbdTlsCert'), '--nbd-tls-key');
  if (certificate === undefined) throw missing(labelOf('nbdTlsKey'), '--nbd-tls-cert');
  return { certificate, key, clientAuthority };
}

/** Who listens on all addresses has to say which of them clients are told. */
function publicAddress(settings: Settings, labelOf: LabelOf): Address | undefined {
  const { nbd, nbdPublic: address, publicUrl } = settings;
  if (address !== undefined) {
    if (address.port > 0 && !isWildcard(address.host)) return address;
    const expected = 'HOST:PORT that a client can connect to';
    throw invalidFlag(labelOf('nbdPublic'), formatAddress(address), expected);
  }
  if (!isWildcard(nbd.host)) return undefined;
  if (publicUrl !== undefined && nbd.port > 0) {
    const host = new URL(publicUrl).hostname.replace(/^\[(.*)\]$/, '$1');
    return { host, port: nbd.port };
  }
  const expected = '--nbd-public HOST:PORT beside it, the address that clients are told';
  throw invalidFlag(labelOf('nbd'), formatAddress(nbd), expected);
}

function missing(label: string, other: string): OperatingError {
  return new OperatingError('invalid_input', `${label} needs ${other} beside it`, { field: label });
}

function both(label: string, other: string, why: string): OperatingError {
  const message = `${label} and ${other} exclude each other: ${why}`;
  return new OperatingError('invalid_input', message, { field: label });
}

import { join, resolve } from 'node:path';
import { OperatingError } from '../base/errors.ts';
import {
  type Address,
  formatAddress,
  invalidFlag,
  isLoopback,
  isWildcard,
  parseAddress,
} from './address.ts';
import type { NbdTlsFiles } from './nbd-tls.ts';

/** The flags of `firn serve` that NBD has, as text. */
export interface NbdOptions {
  readonly nbd?: string | undefined;
  readonly nbdSocket?: string | undefined;
  readonly nbdPublic?: string | undefined;
  readonly nbdTlsCert?: string | undefined;
  readonly nbdTlsKey?: string | undefined;
  readonly nbdTlsClientCa?: string | undefined;
  readonly nbdInsecure?: string | undefined;
}

export interface NbdConfig {
  /** Where NBD listens on TCP. */
  readonly nbd: Address;
  /** What clients are told to connect to; undefined: as it listens. */
  readonly nbdPublic: Address | undefined;
  readonly nbdSocketPath: string;
  /** Undefined: TCP is in clear. */
  readonly nbdTls: NbdTlsFiles | undefined;
}

/** The longest path that a unix socket can have on Linux, without the closing zero (unix(7)). */
const socketPathBytesMax = 107;

/** Checks the flags of NBD against each other and fills in the defaults. */
export function readNbdConfig(
  options: NbdOptions,
  places: { dataFolder: string; publicUrl: string | undefined },
): NbdConfig {
  const nbd = parseAddress(options.nbd ?? '127.0.0.1:10809', '--nbd');
  const nbdTls = tlsFiles(options);
  const insecure = yesOrNo(options.nbdInsecure, '--nbd-insecure');
  if (insecure && nbdTls !== undefined) {
    throw both('--nbd-insecure', '--nbd-tls-cert', 'TLS is required where it is configured');
  }
  if (!isLoopback(nbd.host) && nbdTls === undefined && !insecure) {
    const expected =
      'TLS on an address that other machines reach: give --nbd-tls-cert and --nbd-tls-key, ' +
      'or --nbd-insecure to send data and export names in clear';
    throw invalidFlag('--nbd', formatAddress(nbd), expected);
  }
  return {
    nbd,
    nbdPublic: publicAddress(options.nbdPublic, nbd, places.publicUrl),
    nbdSocketPath: socketPath(options.nbdSocket ?? join(places.dataFolder, 'nbd.sock')),
    nbdTls,
  };
}

function tlsFiles(options: NbdOptions): NbdTlsFiles | undefined {
  const { nbdTlsCert: certificate, nbdTlsKey: key, nbdTlsClientCa: authority } = options;
  if (certificate === undefined && key === undefined) {
    if (authority === undefined) return undefined;
    throw missing('--nbd-tls-client-ca', '--nbd-tls-cert and --nbd-tls-key');
  }
  if (key === undefined) throw missing('--nbd-tls-cert', '--nbd-tls-key');
  if (certificate === undefined) throw missing('--nbd-tls-key', '--nbd-tls-cert');
  return {
    certificate: resolve(certificate),
    key: resolve(key),
    clientAuthority: authority === undefined ? undefined : resolve(authority),
  };
}

/** Who listens on all addresses has to say which of them clients are told. */
function publicAddress(
  text: string | undefined,
  nbd: Address,
  publicUrl: string | undefined,
): Address | undefined {
  if (text !== undefined) {
    const address = parseAddress(text, '--nbd-public');
    if (address.port > 0 && !isWildcard(address.host)) return address;
    throw invalidFlag('--nbd-public', text, 'HOST:PORT that a client can connect to');
  }
  if (!isWildcard(nbd.host)) return undefined;
  if (publicUrl !== undefined && nbd.port > 0) {
    const host = new URL(publicUrl).hostname.replace(/^\[(.*)\]$/, '$1');
    return { host, port: nbd.port };
  }
  const expected = '--nbd-public HOST:PORT beside it, the address that clients are told';
  throw invalidFlag('--nbd', formatAddress(nbd), expected);
}

function socketPath(path: string): string {
  const absolute = resolve(path);
  if (Buffer.byteLength(absolute) > socketPathBytesMax) {
    const expected = `a path of at most ${socketPathBytesMax} bytes; give a shorter one`;
    throw invalidFlag('--nbd-socket', absolute, expected);
  }
  return absolute;
}

function yesOrNo(text: string | undefined, flag: string): boolean {
  const value = text ?? 'false';
  if (value !== 'true' && value !== 'false') throw invalidFlag(flag, text ?? '', 'true or false');
  return value === 'true';
}

function missing(flag: string, other: string): OperatingError {
  return new OperatingError('invalid_input', `${flag} needs ${other} beside it`, { field: flag });
}

function both(flag: string, other: string, why: string): OperatingError {
  const message = `${flag} and ${other} exclude each other: ${why}`;
  return new OperatingError('invalid_input', message, { field: flag });
}

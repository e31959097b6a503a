/** HTTP in TLS with the operator's certificate, which is followed as it is renewed. */
import type { Logger } from 'pino';
import type { HttpTls, ServerFactory } from '../api/server-factory.ts';
import { OperatingError } from '../base/errors.ts';
import type { Settings } from './config-options.ts';
import { type NbdTlsFiles, readNbdTls, type TlsFlags } from './nbd-tls.ts';
import { renewNbdTls } from './nbd-tls-renewal.ts';

const flags: TlsFlags = {
  certificate: '--tls-cert',
  key: '--tls-key',
  public: '--public-url',
};

export function schemeOf(settings: Settings): 'http' | 'https' {
  return settings.tlsCert === undefined ? 'http' : 'https';
}

function filesOf({ tlsCert, tlsKey }: Settings): NbdTlsFiles | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsKey === undefined) throw missing('--tls-cert', '--tls-key');
  if (tlsCert === undefined) throw missing('--tls-key', '--tls-cert');
  return { certificate: tlsCert, key: tlsKey, clientAuthority: undefined };
}

function missing(flag: string, other: string): OperatingError {
  return new OperatingError('invalid_input', `${flag} needs ${other} beside it`, { field: flag });
}

function hostOf(publicUrl: string): string {
  return new URL(publicUrl).hostname.replace(/^\[(.*)\]$/, '$1');
}

/** The certificate, which is good for the host in `publicUrl`; undefined where HTTP is in clear. */
export async function readHttpTls(
  settings: Settings,
  publicUrl: string,
): Promise<HttpTls | undefined> {
  const files = filesOf(settings);
  return files && (await readNbdTls(files, { host: hostOf(publicUrl), flags }));
}

/** Follows the files; the returned function ends it. */
export function renewHttpTls(
  server: ServerFactory,
  settings: Settings,
  now: { publicUrl: string; httpTls: HttpTls | undefined },
  log: Logger,
): () => Promise<void> {
  const files = filesOf(settings);
  if (files === undefined || now.httpTls === undefined) return () => Promise.resolve();
  return renewNbdTls({
    current: { ...now.httpTls, clientAuthority: undefined },
    read: () => readNbdTls(files, { host: hostOf(now.publicUrl), flags }),
    use: async (tls) => server.renew(tls),
    onProblem: (error) => log.error({ err: error }, 'the certificate for HTTP cannot be used'),
  });
}

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { type Clock, systemClock } from '../base/clock.ts';
import { fromSystemError, OperatingError } from '../base/errors.ts';
import type { NbdTls } from '../nbd/tls.ts';

/** Where the operator's certificates for NBD lie, all PEM. */
export interface NbdTlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthority: string | undefined;
}

export interface TlsFlags {
  readonly certificate: string;
  readonly key: string;
  /** The flag that says by which address clients come. */
  readonly public: string;
}

const nbdFlags: TlsFlags = {
  certificate: '--nbd-tls-cert',
  key: '--nbd-tls-key',
  public: '--nbd-public',
};
const authorityFlag = '--nbd-tls-client-ca';

/**
 * Reads the certificates and makes sure that clients will be able to use them: the key belongs to
 * the certificate, all are valid now, and the certificate is for `host`, which clients are told.
 * Rejects with an error that names the flag.
 */
export async function readNbdTls(
  files: NbdTlsFiles,
  options: { host: string; clock?: Clock; flags?: TlsFlags },
): Promise<NbdTls> {
  const now = (options.clock ?? systemClock).now();
  const flags = options.flags ?? nbdFlags;
  const certificate = await read(files.certificate, flags.certificate);
  const [own, ...between] = certificates(certificate, files.certificate, flags.certificate);
  const key = await read(files.key, flags.key);
  if (own.checkPrivateKey(privateKey(key, files.key, flags)) === false) {
    throw wrong(flags.key, files.key, `is not the key of the certificate in ${files.certificate}`);
  }
  for (const each of [own, ...between]) checkTime(each, now, files.certificate, flags.certificate);
  checkHost(own, options.host, files.certificate, flags);
  return { certificate, key, clientAuthority: await readAuthority(files.clientAuthority, now) };
}

async function readAuthority(path: string | undefined, now: number): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await read(path, authorityFlag);
  for (const authority of certificates(text, path, authorityFlag)) {
    if (!authority.ca) {
      throw wrong(authorityFlag, path, `holds a certificate that may not sign others`);
    }
    checkTime(authority, now, path, authorityFlag);
  }
  return text;
}

async function read(path: string, flag: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw fromSystemError(error, `${flag} ${path} cannot be read`);
  });
}

function certificates(
  text: string,
  path: string,
  flag: string,
): [X509Certificate, ...X509Certificate[]] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
  try {
    const [first, ...rest] = blocks.map((block) => new X509Certificate(block));
    if (first !== undefined) return [first, ...rest];
  } catch (cause) {
    throw wrong(flag, path, 'holds a certificate that is damaged', cause);
  }
  throw wrong(flag, path, 'holds no certificate in PEM form');
}

function privateKey(text: string, path: string, flags: TlsFlags): KeyObject {
  if (/ENCRYPTED/.test(text)) {
    throw wrong(
      flags.key,
      path,
      'is protected by a passphrase, which nobody could type at a start',
    );
  }
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw wrong(flags.key, path, 'holds no private key in PEM form', cause);
  }
}

function checkTime(certificate: X509Certificate, now: number, path: string, flag: string): void {
  const { validFromDate, validToDate, subject } = certificate;
  const whose = `the certificate of ${subject.replaceAll('\n', ', ')}`;
  if (now > validToDate.getTime()) {
    throw wrong(flag, path, `holds ${whose}, which expired on ${validToDate.toISOString()}`);
  }
  if (now < validFromDate.getTime()) {
    const start = validFromDate.toISOString();
    throw wrong(flag, path, `holds ${whose}, which is not valid before ${start}`);
  }
}

function checkHost(
  certificate: X509Certificate,
  host: string,
  path: string,
  flags: TlsFlags,
): void {
  const matches = isIP(host) > 0 ? certificate.checkIP(host) : certificate.checkHost(host);
  if (matches !== undefined) return;
  const names = certificate.subjectAltName ?? certificate.subject;
  const why = `is for ${names}, not for ${host}, which clients are told; see ${flags.public}`;
  throw wrong(flags.certificate, path, why);
}

function wrong(flag: string, path: string, why: string, cause?: unknown): OperatingError {
  return new OperatingError('invalid_input', `${flag} ${path} ${why}`, { field: flag, cause });
}

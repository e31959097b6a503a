import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, fromSystemError, OperatingError } from '../base/errors.ts';

/** What a client trusts and shows in TLS, as PEM text. */
export interface NbdCertificates {
  /** Without it, whom the system trusts. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Reads `ca-cert.pem`, `client-cert.pem` and `client-key.pem`, the names that QEMU and libnbd look
 * for too. Without a folder there are none. Rejects with `invalid_input` when the folder holds none
 * of them, or the certificate of the client without its key.
 */
export async function readCertificates(folder: string | undefined): Promise<NbdCertificates> {
  if (folder === undefined) return {};
  const ca = await readPart(folder, 'ca-cert.pem');
  const cert = await readPart(folder, 'client-cert.pem');
  const key = await readPart(folder, 'client-key.pem');
  if ((cert === undefined) !== (key === undefined)) {
    const which = cert === undefined ? 'client-key.pem' : 'client-cert.pem';
    throw invalid(`${folder} holds ${which} without its counterpart`);
  }
  if (ca === undefined && cert === undefined) {
    throw invalid(`${folder} holds neither ca-cert.pem nor client-cert.pem`);
  }
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

async function readPart(folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, name);
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `${path} cannot be read`);
  });
}

function invalid(message: string): OperatingError {
  return new OperatingError('invalid_input', message, { field: 'certificates' });
}

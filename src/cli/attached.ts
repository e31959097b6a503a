import { hostname } from 'node:os';
import { OperatingError, isOperatingError } from '../base/errors.ts';
import type { Attachment } from '../client/block-storage-schema.ts';
import type { Client } from '../client/client.ts';
import { connectNbd } from '../client/nbd.ts';
import type { NbdClient } from '../client/nbd.ts';
import type { Environment } from './context.ts';

/**
 * Attaches a volume to this host while `work` runs on its bytes, and detaches it in any case. The
 * folder of certificates is for a service on another machine, whose NBD is in TLS.
 */
export async function withAttached<R>(
  client: Client,
  volumeId: string,
  options: { mode: 'rw' | 'ro'; certificates: string | undefined },
  work: (device: NbdClient) => Promise<R>,
): Promise<R> {
  const attachment = await client.attach(volumeId, { host: hostname(), mode: options.mode });
  try {
    const device = await connectTo(attachment, options.certificates);
    try {
      return await work(device);
    } finally {
      await device.disconnect();
    }
  } finally {
    await client.detach(attachment.id);
  }
}

/** The unix socket is there for clients on the service's own machine; others go over TCP. */
async function connectTo(
  attachment: Attachment,
  certificates: string | undefined,
): Promise<NbdClient> {
  const { uri, unix_uri: unixUri } = attachment.connection_info;
  if (unixUri !== undefined) {
    try {
      return await connectNbd({ uri: unixUri });
    } catch (error) {
      if (uri === undefined || !isOperatingError(error, 'unavailable')) throw error;
    }
  }
  if (uri !== undefined) return await connectNbd({ uri, certificates });
  throw new OperatingError('unavailable', `attachment ${attachment.id} names no NBD export`);
}

/** The option that names the folder of certificates for NBD in TLS; also in the environment. */
export const certificatesFlag = {
  flags: '--nbd-certificates <DIR>',
  description: 'holds ca-cert.pem and more, for NBD in TLS (FIRN_NBD_CERTIFICATES)',
  from: (options: { nbdCertificates?: string }, environment: Environment): string | undefined =>
    options.nbdCertificates ?? environment['FIRN_NBD_CERTIFICATES'],
};

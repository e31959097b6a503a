import { hostname } from 'node:os';
import { OperatingError, isOperatingError } from '../base/errors.ts';
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
    return await withConnected(attachment.connection_info, options.certificates, work);
  } finally {
    await client.detach(attachment.id);
  }
}

/** Exports a snapshot while `work` runs on its bytes, and ends the export in any case. */
export async function withExported<R>(
  client: Client,
  snapshotId: string,
  options: { certificates: string | undefined },
  work: (device: NbdClient) => Promise<R>,
): Promise<R> {
  const made = await client.exportSnapshot(snapshotId, hostname());
  try {
    return await withConnected(made, options.certificates, work);
  } finally {
    await client.endExport(made);
  }
}

interface Address {
  readonly uri?: string | undefined;
  readonly unix_uri?: string | undefined;
}

async function withConnected<R>(
  address: Address,
  certificates: string | undefined,
  work: (device: NbdClient) => Promise<R>,
): Promise<R> {
  const device = await connectTo(address, certificates);
  try {
    return await work(device);
  } finally {
    await device.disconnect();
  }
}

/** The unix socket is there for clients on the service's own machine; others go over TCP. */
async function connectTo(
  { uri, unix_uri: unixUri }: Address,
  certificates: string | undefined,
): Promise<NbdClient> {
  if (unixUri !== undefined) {
    try {
      return await connectNbd({ uri: unixUri });
    } catch (error) {
      if (uri === undefined || !isOperatingError(error, 'unavailable')) throw error;
    }
  }
  if (uri !== undefined) return await connectNbd({ uri, certificates });
  throw new OperatingError('unavailable', 'the service names no NBD export');
}

/** The option that names the folder of certificates for NBD in TLS; also in the environment. */
export const certificatesFlag = {
  flags: '--nbd-certificates <DIR>',
  description: 'holds ca-cert.pem and more, for NBD in TLS (FIRN_NBD_CERTIFICATES)',
  from: (options: { nbdCertificates?: string }, environment: Environment): string | undefined =>
    options.nbdCertificates ?? environment['FIRN_NBD_CERTIFICATES'],
};

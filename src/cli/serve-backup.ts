import { MiB } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import { newSecret } from '../base/ids.ts';
import { ExportRegistry } from '../nbd/exports.ts';
import { NbdServer } from '../nbd/server.ts';
import { leafBytes } from '../repository/block.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { readOnlyDevice } from '../volume/read-only-device.ts';
import { BackingDevice } from '../volume/backing-device.ts';
import type { BackingSource } from '../volume/hydration.ts';

export interface BackupServer {
  /** What NBD clients take. */
  readonly uri: string;
  close(): Promise<void>;
}

/**
 * Serves a backup, read-only, on a unix socket or a port of this machine. What was read is kept in
 * memory for all clients together, `cache` MiB at most.
 */
export async function serveBackup(
  repository: Repository,
  manifest: Manifest,
  { socket, port, cache }: { socket?: string; port?: string; cache: number },
): Promise<BackupServer> {
  const reader = await repository.openReader(manifest);
  const source: BackingSource = {
    blocks: (_backing, page) => reader.blocksAt(page * leafBytes),
    read: (_backing, offsetBytes, target) => reader.read(offsetBytes, target),
  };
  const { backupId, map, lengthBytes } = manifest;
  const backing = { container: '', backupId, ...map, lengthBytes, doneBytes: 0 };
  const device = new BackingDevice(source, backing, { cacheBytes: cache * MiB });
  const name = newSecret();
  const exports = new ExportRegistry();
  exports.add(name, { readOnly: true, open: async () => withoutClose(device) });
  const server = new NbdServer({ exports });
  const uri =
    socket === undefined
      ? await onPort(server, port ?? '0', name)
      : await onSocket(server, socket, name);
  return {
    uri,
    async close() {
      await server.close();
      reader.close();
    },
  };
}

/** A client that goes must not take what the others have in memory. */
function withoutClose(device: BlockDevice): BlockDevice {
  return {
    ...readOnlyDevice(device),
    lengthBytes: device.lengthBytes,
    close: async () => undefined,
  };
}

async function onSocket(server: NbdServer, path: string, name: string): Promise<string> {
  await server.listenUnix(path);
  return `nbd+unix:///${name}?socket=${encodeURI(path)}`;
}

async function onPort(server: NbdServer, text: string, name: string): Promise<string> {
  const wanted = Number(text);
  if (!/^\d{1,5}$/.test(text) || wanted > 65_535) {
    throw new OperatingError('invalid_input', `--port is a number up to 65535, not "${text}"`);
  }
  const { port } = await server.listenTcp('127.0.0.1', wanted);
  return `nbd://127.0.0.1:${port}/${name}`;
}

/** Firn as the server of a volume: a process of its own, driven through its API. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFirn } from '../demo/firn-process.ts';
import { assert, must } from '../src/base/assert.ts';
import { GiB, roundUp } from '../src/base/bytes.ts';
import { Client } from '../src/client/client.ts';
import { cloudFromYaml } from '../src/client/cloud.ts';
import { runCopy } from './nbd-load.ts';
import type { Transport } from './nbd-rows.ts';
import { filesOf, makeHot, syncFiles } from './page-cache.ts';

/** How often a status is looked at: the error of what is measured with it. */
const lookEveryMs = 4;

export interface FirnVolume {
  readonly id: string;
  uri(transport: Transport): string;
}

export interface FirnServer {
  readonly client: Client;
  /** The files of all volumes. */
  files(): string[];
  /** A volume, attached, that begins with what the file holds. */
  addVolume(path: string, bytes: number): Promise<FirnVolume>;
  close(): Promise<void>;
}

export async function startFirnServer(folder: string): Promise<FirnServer> {
  await mkdir(folder, { recursive: true });
  const running = await startFirn(folder);
  const path = join(folder, 'clouds.yaml');
  const client = new Client(cloudFromYaml(readFileSync(path, 'utf8'), path));
  // Logs of marks come and go, and are never read.
  const files = (): string[] =>
    filesOf(join(folder, 'volumes')).filter((file) => !basename(file).startsWith('marks-'));
  return {
    client,
    files,
    async addVolume(source, bytes) {
      const size = roundUp(bytes, GiB) / GiB;
      const id = await client.volumes.create({ name: 'bench', size });
      await untilAvailable(() => client.volumes.show(id));
      const { connection_info: info } = await client.attach(id, { host: 'bench', mode: 'rw' });
      const uris = {
        unix: must(info.unix_uri, 'an address on the unix socket'),
        tcp: must(info.uri, 'an address on TCP'),
      };
      await runCopy({ tool: 'nbdcopy', direction: 'in', flush: true }, uris.unix, source);
      syncFiles(files());
      makeHot(files());
      return { id, uri: (transport) => uris[transport] };
    },
    close: async () => void (await running.stop()),
  };
}

/** Takes a snapshot and resolves when it is there. */
export async function takeSnapshot(
  client: Client,
  volumeId: string,
  onAccepted?: () => void,
): Promise<void> {
  const fields = { volume_id: volumeId, name: 'bench', force: true };
  const id = await client.snapshots.create(fields);
  onAccepted?.();
  await untilAvailable(() => client.snapshots.show(id));
}

async function untilAvailable(look: () => Promise<{ status: string }>): Promise<void> {
  for (;;) {
    const { status } = await look();
    if (status === 'available') return;
    assert(!status.startsWith('error'), `${status} is no error`);
    await sleep(lookEveryMs);
  }
}

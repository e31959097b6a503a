/**
 * A process that makes one backup, for `counted-uploads.test.ts`:
 *
 *     upload-actor.ts FOLDER BACKUP [before|after N]
 *
 * What it has put and read stands in `FOLDER/log`, a line each, as soon as it is done. At its N-th
 * pack it stands still, before the pack is stored or after it, until it is killed. From then on no
 * other pack is begun to be stored either, however late the kill comes.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backUp } from '../../src/backup/back-up.ts';
import { MiB } from '../../src/base/bytes.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { factsOf } from '../../src/repository/model-volume.ts';
import { openDirectoryRoot } from '../../src/store/directory.ts';
import { FaultyStore } from '../../src/store/fault.ts';
import type { PutOptions } from '../../src/store/store.ts';
import type { BlockDevice } from '../../src/volume/block-device.ts';
import type { VolumeEngine } from '../../src/volume/engine.ts';
import { openVolumeEngine } from '../../src/volume/open-engine.ts';

export const wrappingKey = Buffer.alloc(32, 9);
export const packBytes = MiB;

/** A line of the log. */
export type Did =
  | { readonly did: 'put'; readonly name: string; readonly bytes: number }
  | { readonly did: 'read'; readonly offsetBytes: number; readonly lengthBytes: number };

const [, program, folder = '', backupId = '', moment = '', count = '0'] = process.argv;

function note(did: Did): void {
  appendFileSync(join(folder, 'log'), `${JSON.stringify(did)}\n`);
}

/** Never resolves. */
async function standStill(): Promise<never> {
  process.stdout.write('still\n');
  // What is waited for keeps the process alive.
  for (;;) await new Promise((resolve) => setTimeout(resolve, 60_000));
}

let packs = 0;
let isStill = false;

class CountingStore extends FaultyStore {
  override async put(
    name: string,
    chunks: readonly Uint8Array[],
    options?: PutOptions,
  ): Promise<void> {
    const isPack = name.startsWith('packs/');
    if (isPack) packs += 1;
    if (isStill) await standStill();
    const isLast = isPack && packs === Number(count);
    isStill ||= isLast;
    if (isLast && moment === 'before') await standStill();
    await super.put(name, chunks, options);
    note({ did: 'put', name, bytes: chunks.reduce((sum, { length }) => sum + length, 0) });
    if (isLast) await standStill();
  }
}

/** The engine, whose snapshots note what is read of them. */
function counting(engine: VolumeEngine): VolumeEngine {
  const openSnapshot = async (snapshotId: string): Promise<BlockDevice> => {
    const device = await engine.openSnapshot(snapshotId);
    const read = async (offsetBytes: number, target: Uint8Array): Promise<void> => {
      note({ did: 'read', offsetBytes, lengthBytes: target.length });
      await device.read(offsetBytes, target);
    };
    return withRead(device, read);
  };
  return new Proxy(engine, {
    get(target, key): unknown {
      const value: unknown = key === 'openSnapshot' ? openSnapshot : Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function withRead(device: BlockDevice, read: BlockDevice['read']): BlockDevice {
  const { lengthBytes } = device;
  return {
    lengthBytes,
    readOnly: true,
    read,
    write: (offsetBytes, data) => device.write(offsetBytes, data),
    zero: (offsetBytes, length) => device.zero(offsetBytes, length),
    trim: (offsetBytes, length) => device.trim(offsetBytes, length),
    flush: () => device.flush(),
    extents: (offsetBytes, length) => device.extents(offsetBytes, length),
    close: () => device.close(),
  };
}

if (program === fileURLToPath(import.meta.url)) {
  const engine = await openVolumeEngine({ folder: join(folder, 'volumes') });
  const root = openDirectoryRoot(join(folder, 'store'));
  const store = new CountingStore(await root.open('box', { create: false }));
  const options = { wrappingKey, packBytes, packsPerIndex: 4, workers: 1 };
  const repository = await openRepository(store, options);
  const { parentId: _parent, layerId: _layer, ...facts } = factsOf(undefined, backupId);
  await backUp({
    engine: counting(engine),
    repository,
    snapshotId: backupId,
    facts,
    journalPath: join(folder, 'journal'),
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  await repository.close();
  await engine.close();
}

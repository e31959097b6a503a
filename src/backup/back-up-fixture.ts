import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { MiB } from '../base/bytes.ts';
import { newId } from '../base/ids.ts';
import type { Repository } from '../repository/repository.ts';
import { MemoryStore, openMemoryRoot } from '../store/memory.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';
import { backUp, type BackupFacts, type BackupOutcome, releaseOlder } from './back-up.ts';
import { openRepositories } from './repositories.ts';
import { restoreBackup } from './restore-backup.ts';

export const lengthBytes = 40 * MiB;
export const signal = new AbortController().signal;

export interface Scene {
  readonly folder: string;
  readonly engine: VolumeEngine;
  readonly repository: Repository;
  /** What the store holds. */
  readonly objects: Map<string, Uint8Array>;
}

export async function startScene(t: TestContext): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-backup-'));
  const engine = await openVolumeEngine({ folder });
  const root = openMemoryRoot();
  const repositories = openRepositories({
    root,
    wrappingKey: Buffer.alloc(32, 1),
  });
  t.after(async () => {
    await repositories.close();
    await engine.close();
    await rm(folder, { recursive: true });
  });
  const repository = await repositories.open('test', { create: true });
  const store = await root.open('test', { create: false });
  assert.ok(store instanceof MemoryStore);
  return { folder, engine, repository, objects: store.objects };
}

export function factsOf(backupId: string, volumeId: string): BackupFacts {
  return {
    backupId,
    making: 'full',
    name: 'name',
    description: null,
    metadata: {},
    projectId: 'project',
    userId: 'user',
    snapshotId: null,
    dataTimestamp: '2026-01-01T00:00:00.000000',
    volume: {
      volumeId,
      name: 'disk',
      description: null,
      sizeGiB: 1,
      metadata: { a: 'b' },
      bootable: true,
      volumeType: null,
      availabilityZone: 'nova',
    },
  };
}

/** Waits until the engine has given back what nobody needs. */
export async function settled(engine: VolumeEngine): Promise<void> {
  assert.ok('settled' in engine && typeof engine.settled === 'function');
  await engine.settled();
}

/** Takes a snapshot under the backup's id, backs it up, and gives the name up again. */
export async function backUpNow(
  scene: Scene,
  volumeId: string,
  options: { signal?: AbortSignal } = {},
): Promise<{ backupId: string; outcome: BackupOutcome; content: Buffer }> {
  const backupId = newId();
  await scene.engine.createSnapshots([{ volumeId, snapshotId: backupId }]);
  const content = await contentOf(scene.engine, volumeId);
  const outcome = await backUp({
    engine: scene.engine,
    repository: scene.repository,
    snapshotId: backupId,
    facts: factsOf(backupId, volumeId),
    journalPath: join(scene.folder, `${backupId}.journal`),
    signal: options.signal ?? signal,
    onProgress: ({ bytesDone, bytesTotal }) => assert.ok(bytesDone <= bytesTotal),
  });
  await releaseOlder({ ...scene, backupId });
  await scene.engine.deleteSnapshot(backupId);
  return { backupId, outcome, content };
}

export async function write(
  scene: Scene,
  volumeId: string,
  at: number,
  data: Uint8Array,
): Promise<void> {
  const device = await scene.engine.openVolume(volumeId);
  await device.write(at, data);
  await device.close();
}

export async function contentOf(engine: VolumeEngine, volumeId: string): Promise<Buffer> {
  const device = await engine.openVolume(volumeId);
  const content = Buffer.alloc(device.lengthBytes);
  for (let at = 0; at < content.length; at += 8 * MiB) {
    await device.read(at, content.subarray(at, Math.min(at + 8 * MiB, content.length)));
  }
  await device.close();
  return content;
}

export async function restored(
  { engine, repository }: Scene,
  backupId: string,
  options: { onto?: string; lengthBytes?: number } = {},
): Promise<Buffer> {
  const volumeId = options.onto ?? newId();
  if (options.onto === undefined) {
    await engine.createVolume({ volumeId, lengthBytes: options.lengthBytes ?? lengthBytes });
  }
  const onProgress = (): void => undefined;
  const place = { path: join(tmpdir(), `firn-${volumeId}`), purpose: `restore ${volumeId}` };
  await restoreBackup({ engine, repository, backupId, volumeId, place, signal, onProgress });
  return await contentOf(engine, volumeId);
}

export async function makeVolume(scene: Scene): Promise<string> {
  const volumeId = newId();
  await scene.engine.createVolume({ volumeId, lengthBytes });
  await write(scene, volumeId, 3 * MiB + 5000, Buffer.alloc(9 * MiB, 'first content'));
  return volumeId;
}

/** The engine, or repository, with some methods of its own. */
export function withOwn<T extends object>(original: T, own: Partial<T>): T {
  return new Proxy(original, {
    get(target, key): unknown {
      const value: unknown = Reflect.get(key in own ? own : target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A volume of 16 TiB with little in it costs its backups what a small one with the same does. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { seeded } from '../../demo/random.ts';
import { GiB, KiB, MiB, TiB } from '../base/bytes.ts';
import { monotonicMs } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import type { Repository } from '../repository/repository.ts';
import { openMemoryRoot } from '../store/memory.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';
import { backUp, type BackupOutcome } from './back-up.ts';
import { factsOf } from './back-up-fixture.ts';
import { openRepositories } from './repositories.ts';
import { restoreBackup } from './restore-backup.ts';

const pieces = 96;
const pieceBytes = 256 * KiB;
const signal = new AbortController().signal;
const onProgress = (): void => undefined;

interface Figures {
  readonly full: BackupOutcome;
  readonly next: BackupOutcome;
  readonly restoredExtents: number;
}

interface Scene {
  readonly folder: string;
  readonly engine: VolumeEngine;
  readonly repository: Repository;
}

/** Where the pieces of a volume lie: the first at its start, the last at its end. */
function placeOf(piece: number, lengthBytes: number): number {
  const step = Math.floor((lengthBytes - pieceBytes) / (pieces - 1) / (64 * KiB)) * 64 * KiB;
  return piece === pieces - 1 ? lengthBytes - pieceBytes : piece * step;
}

function contentOf(piece: number): Buffer {
  const random = seeded(piece + 1);
  const content = Buffer.alloc(pieceBytes);
  for (let at = 0; at < pieceBytes; at += 4) content.writeUInt32LE(random() * 2 ** 32, at);
  return content;
}

async function takeBackup(
  scene: Scene,
  volumeId: string,
  sizeGiB: number,
): Promise<{ backupId: string; outcome: BackupOutcome }> {
  const backupId = newId();
  await scene.engine.createSnapshots([{ volumeId, snapshotId: backupId }]);
  const common = factsOf(backupId, volumeId);
  const facts = { ...common, volume: { ...common.volume, sizeGiB } };
  const journalPath = join(scene.folder, `${backupId}.journal`);
  const { engine, repository } = scene;
  const what = { engine, repository, snapshotId: backupId, facts, journalPath };
  return { backupId, outcome: await backUp({ ...what, signal, onProgress }) };
}

/** Writes between the pieces, and over the ends of most, what a restore is to clear. */
async function fillHoles(
  engine: VolumeEngine,
  volumeId: string,
  lengthBytes: number,
): Promise<void> {
  const device = await engine.openVolume(volumeId);
  for (let piece = 0; piece < pieces - 1; piece += 1) {
    const at = placeOf(piece, lengthBytes);
    const next = placeOf(piece + 1, lengthBytes);
    await device.write(next - 5000, Buffer.alloc(9000, 1));
    if (piece % 3 > 0) await device.write(at + pieceBytes - 5000, Buffer.alloc(9000, 1));
    if (piece % 3 > 1) await device.write((at + next) / 2, Buffer.alloc(64 * KiB, 1));
  }
  await device.close();
}

/** Fills a volume of this size, backs it up twice, and restores the second backup. */
async function measure(scene: Scene, lengthBytes: number): Promise<Figures> {
  const { engine, repository } = scene;
  const volumeId = newId();
  await engine.createVolume({ volumeId, lengthBytes });
  const device = await engine.openVolume(volumeId);
  for (let piece = 0; piece < pieces; piece += 1) {
    await device.write(placeOf(piece, lengthBytes), contentOf(piece));
  }
  await device.close();
  const full = await takeBackup(scene, volumeId, lengthBytes / GiB);
  const again = await engine.openVolume(volumeId);
  await again.write(placeOf(pieces - 1, lengthBytes), Buffer.alloc(4 * KiB, 7));
  await again.close();
  const next = await takeBackup(scene, volumeId, lengthBytes / GiB);
  const targetId = newId();
  await engine.createVolume({ volumeId: targetId, lengthBytes });
  await fillHoles(engine, targetId, lengthBytes);
  const place = { path: join(scene.folder, `restore-${targetId}`), purpose: 'restore' };
  const what = { engine, repository, backupId: next.backupId, volumeId: targetId };
  await restoreBackup({ ...what, place, signal, onProgress });
  const restored = await engine.openVolume(targetId);
  const target = Buffer.alloc(pieceBytes);
  for (let piece = 0; piece < pieces; piece += 1) {
    await restored.read(placeOf(piece, lengthBytes), target);
    const expected = contentOf(piece);
    if (piece === pieces - 1) expected.fill(7, 0, 4 * KiB);
    assert.ok(target.equals(expected), `piece ${piece}`);
  }
  const extents = await restored.extents(0, lengthBytes);
  await restored.close();
  const restoredExtents = extents.filter(({ kind }) => kind === 'data').length;
  return { full: full.outcome, next: next.outcome, restoredExtents };
}

test('16 TiB with 24 MiB in them are backed up and restored like 20 GiB', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-large-backup-'));
  const engine = await openVolumeEngine({ folder: join(folder, 'volumes') });
  const wrappingKey = Buffer.alloc(32, 1);
  const repositories = openRepositories({ root: openMemoryRoot(), wrappingKey });
  t.after(async () => {
    await repositories.close();
    await engine.close();
    await rm(folder, { recursive: true });
  });
  const repository = await repositories.open('test', { create: true });
  const scene = { folder, engine, repository };
  const figures: Figures[] = [];
  for (const lengthBytes of [20 * GiB, 16 * TiB]) {
    const startMs = monotonicMs();
    figures.push(await measure(scene, lengthBytes));
    t.diagnostic(`${lengthBytes / GiB} GiB: ${Math.round(monotonicMs() - startMs)} ms`);
  }
  const [small, large] = figures;
  assert.ok(small !== undefined && large !== undefined);
  for (const { full, next, restoredExtents } of figures) {
    assert.equal(full.bytesRead, pieces * pieceBytes);
    assert.equal(next.bytesRead, 64 * KiB);
    assert.equal(restoredExtents, pieces);
  }
  // Of the map, a path for each piece: pages that hold nothing are one for all.
  const mapBytesMax = pieces * 3 * 48 * KiB;
  assert.ok(large.full.bytesStored < small.full.bytesStored + mapBytesMax);
  assert.ok(large.next.bytesStored < MiB, 'a sector, and the way to it in the map');
});

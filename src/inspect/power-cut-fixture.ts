/**
 * A power cut before a random change of the disk, in the middle of whatever runs. Of what was not
 * synced any 512 bytes are there or not. A check calls that no damage, what was flushed is there,
 * the rest is old or new, and snapshots are what they were.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, seeded } from '../../demo/random.ts';
import { must } from '../base/assert.ts';
import { KiB, MiB } from '../base/bytes.ts';
import type { FileOperations, OpenFile } from '../layer/file-operations.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import type { OpenedEngine } from '../volume/open-engine.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';
import { VolatileFiles } from '../volume/volatile-files.ts';
import { checkFolder } from './check.ts';

const sector = 4 * KiB;
/** What a disk writes whole. */
const unitBytes = 512;
const lengthBytes = 200 * MiB;
const windowSectors = 256;
/** Within one map page, across the border of two, and in the last. */
const windows = [0, 64 * MiB - 128 * sector, 190 * MiB];
const places = windows.length * windowSectors;

/** The bytes that each sector is filled with; 0 for none. */
type Content = Uint8Array;

/** What is known to be on the disk, and what may be. */
interface Told {
  /** By sector: the flushed content and every later one. Undefined before the volume is made. */
  volume: number[][] | undefined;
  clone: { isMade: boolean; content: Content } | undefined;
  /** Snapshots, and whether they are sure to be there. */
  readonly snapshots: Map<string, { isSure: boolean; content: Content }>;
}

/** Calls `before` ahead of everything that changes the disk. */
function watched(real: FileOperations, before: () => void): FileOperations {
  const watch = (file: OpenFile): OpenFile => ({
    read: (target, position) => file.read(target, position),
    write: (content, position) => (before(), file.write(content, position)),
    datasync: () => (before(), file.datasync()),
    truncate: (lengthBytes) => (before(), file.truncate(lengthBytes)),
    punch: (position, lengthBytes) => (before(), file.punch(position, lengthBytes)),
    sizeBytes: () => file.sizeBytes(),
    allocatedBytes: () => file.allocatedBytes(),
    close: () => file.close(),
  });
  return {
    ...real,
    open: async (path, mode) => (before(), watch(await real.open(path, mode))),
    writeDurably: (path, content) => (before(), real.writeDurably(path, content)),
    rename: (from, to) => (before(), real.rename(from, to)),
    link: (existing, name) => (before(), real.link(existing, name)),
    remove: (path) => (before(), real.remove(path)),
  };
}

/** Changes a volume in some rounds that end in merges; `told` is right before every change. */
async function work(engine: OpenedEngine, random: Random, told: Told): Promise<void> {
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  const now = new Uint8Array(places);
  const forget = (): void => {
    told.volume = Array.from(now, (value) => [value]);
  };
  forget();
  const device = await engine.openVolume('v');
  let fill = 0;
  for (let round = 0; round < 6; round += 1) {
    for (let count = 0; count < 8; count += 1) {
      const place = Math.floor(random() * places);
      const length = 1 + Math.floor(random() * Math.min(63, inWindow(place) - 1));
      fill = random() < 0.7 ? (fill % 255) + 1 : 0;
      const value = fill;
      now.fill(value, place, place + length);
      for (let at = place; at < place + length; at += 1) told.volume?.[at]?.push(value);
      const bytes = length * sector;
      if (value > 0) await device.write(offsetOf(place), Buffer.alloc(bytes, value));
      else await device.trim(offsetOf(place), bytes);
      if (random() < 0.1) {
        await device.flush();
        forget();
      }
    }
    const content = now.slice();
    const made = { isSure: false, content };
    told.snapshots.set(`s${round}`, made);
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: `s${round}` }]);
    made.isSure = true;
    forget();
    if (round === 2) await cloneOf(engine, 's1', told);
    if (round > 0 && round % 2 === 0) {
      must(told.snapshots.get(`s${round - 1}`), 'a snapshot').isSure = false;
      await engine.deleteSnapshot(`s${round - 1}`);
      told.snapshots.delete(`s${round - 1}`);
    }
  }
  await device.close();
  await engine.settled();
}

async function cloneOf(engine: OpenedEngine, snapshotId: string, told: Told): Promise<void> {
  const { content } = must(told.snapshots.get(snapshotId), 'the snapshot');
  told.clone = { isMade: false, content };
  await engine.createVolume({ volumeId: 'c', lengthBytes, from: { snapshotId } });
  told.clone.isMade = true;
}

/** Sectors from a place to the end of its window, itself too. */
function inWindow(place: number): number {
  return windowSectors - (place % windowSectors);
}

function offsetOf(place: number): number {
  const start = must(windows[Math.floor(place / windowSectors)], 'a window');
  return start + (place % windowSectors) * sector;
}

async function assertContent(
  device: BlockDevice,
  allowed: (place: number) => readonly (number | undefined)[],
  what: string,
): Promise<void> {
  const found = Buffer.alloc(windowSectors * sector);
  for (const [window, offset] of windows.entries()) {
    await device.read(offset, found);
    for (let at = 0; at < found.length; at += unitBytes) {
      const place = window * windowSectors + Math.floor(at / sector);
      const unit = found.subarray(at, at + unitBytes);
      const isAllowed = allowed(place).includes(unit[0]);
      const isWhole = unit.equals(Buffer.alloc(unitBytes, unit[0]));
      assert.ok(isAllowed && isWhole, `${what}: ${unit[0]} at ${offset + at}`);
    }
  }
  await device.close();
}

async function assertKept(engine: OpenedEngine, told: Told): Promise<void> {
  const { volume, clone } = told;
  if (volume !== undefined) {
    await assertContent(await engine.openVolume('v'), (place) => volume[place] ?? [], 'the volume');
  }
  for (const [id, { isSure, content }] of told.snapshots) {
    const isThere = (await engine.findSnapshot(id)) !== undefined;
    assert.ok(isThere || !isSure, `snapshot ${id} is there`);
    if (!isThere) continue;
    await assertContent(await engine.openSnapshot(id), (place) => [content[place]], id);
  }
  if (clone?.isMade === true) {
    const device = await engine.openVolume('c');
    await assertContent(device, (place) => [clone.content[place]], 'the clone');
  }
}

/** Does all the work, and `cut` before one change; answers how many changes there were. */
async function run(
  folder: string,
  random: Random,
  cutting?: { at: number; cut: (files: VolatileFiles, told: Told) => void },
): Promise<number> {
  const files = new VolatileFiles();
  const told: Told = { volume: undefined, clone: undefined, snapshots: new Map() };
  let changes = 0;
  const before = (): void => {
    changes += 1;
    if (changes === cutting?.at) cutting.cut(files, told);
  };
  const engine = await openVolumeEngine({ folder, fs: watched(files.operations, before) });
  await work(engine, random, told);
  await engine.close();
  return changes;
}

/** Cuts the power so many times. Merges run beside the work, so a seed repeats it nearly only. */
export async function runPowerCuts(options: {
  seed: number;
  cuts: number;
  signal?: AbortSignal;
}): Promise<void> {
  const { seed, cuts } = options;
  const random = seeded(seed);
  const parent = await mkdtemp(join(tmpdir(), 'firn-crash-'));
  try {
    const count = await run(join(parent, 'whole'), seeded(seed));
    for (let index = 0; index < cuts && options.signal?.aborted !== true; index += 1) {
      const folder = join(parent, `run-${index}`);
      const at = 1 + Math.floor(random() * count);
      await cutOnce(folder, { seed, at, random }).catch((cause: unknown) => {
        throw new Error(`seed ${seed}, cut ${index} before change ${at}`, { cause });
      });
    }
  } finally {
    await rm(parent, { recursive: true });
  }
}

async function cutOnce(
  folder: string,
  { seed, at, random }: { seed: number; at: number; random: Random },
): Promise<void> {
  const copy = `${folder}-after`;
  const chance = random();
  let kept: Told | undefined;
  const cut = (files: VolatileFiles, told: Told): void => {
    execFileSync('cp', ['-a', '--sparse=always', folder, copy]);
    files.cutPower(folder, copy, () => random() < chance, unitBytes);
    kept = structuredClone(told);
  };
  await run(folder, seeded(seed), { at, cut });
  if (kept === undefined) return;
  const { findings } = await checkFolder(copy);
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'damage'),
    [],
  );
  const engine = await openVolumeEngine({ folder: copy });
  await assertKept(engine, kept);
  await engine.settled();
  await assertKept(engine, kept);
  await engine.close();
  // What is opened again after the cut is sound too.
  const again = await checkFolder(copy);
  assert.deepEqual(
    again.findings.filter(({ severity }) => severity !== 'note'),
    [],
  );
  await rm(copy, { recursive: true });
  await rm(folder, { recursive: true });
}

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seeded } from '../../demo/random.ts';
import { KiB, MiB } from '../base/bytes.ts';
import { isOperatingError } from '../base/errors.ts';
import type { BlockDevice } from './block-device.ts';
import { ShortWrite, hookedFileOperations, systemError } from './failing-files.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';
import { VolatileFiles } from './volatile-files.ts';
import { copyFolder } from './copy-folder-fixture.ts';

/**
 * Fails the n-th call of the file system, for n = 1, 2, 3 … until a run needs fewer, and goes on
 * working; then cuts the power, or ends in order, and compares with what was acknowledged.
 */
/** Syncs need not reach a disk here: what is durable is simulated. */
const fastFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const sector = 4 * KiB;
const lengthBytes = 70 * MiB;

/** The sectors that a run changes: in each round the value of `valueOf`. */
const places = [0, 3 * sector, 65 * MiB, 66 * MiB];

/** Every second round frees the last two places. */
function valueOf(place: number, round: number): number {
  return place >= 2 && round % 2 === 0 ? 0 : round;
}

/** By place: the round that is there at least, and the one that may be there at most. */
interface Span {
  readonly least: readonly number[];
  readonly most: readonly number[];
}

/** What a run was told. */
class Told {
  /** Acknowledged, flushed and tried, by place. */
  acknowledged = places.map(() => 0);
  flushed = places.map(() => 0);
  tried = places.map(() => 0);
  hasVolume = false;
  readonly snapshots = new Map<string, Span>();
  /** Of these the end is not known. */
  readonly unsure = new Set<string>();
  /**
   * Places where a write has failed: as on any disk, it may have ended in the middle of its sector.
   */
  readonly broken = new Set<number>();

  /** A volume that was closed without a flush has what was flushed, or more. */
  forgetUnflushed(): void {
    this.acknowledged = [...this.flushed];
  }
}

/** Runs a step; answers whether it was acknowledged. */
async function attempt(step: () => Promise<unknown>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    assert.ok(isOperatingError(error), String(error));
    return false;
  }
}

async function writeRound(device: BlockDevice, round: number, told: Told): Promise<void> {
  for (const [place, at] of places.entries()) {
    told.tried[place] = round;
    const value = valueOf(place, round);
    const done = await attempt(() => {
      if (value > 0) return device.write(at, Buffer.alloc(sector, value));
      return place === 2 ? device.trim(at, sector) : device.zero(at, sector);
    });
    if (done) told.acknowledged[place] = round;
    else told.broken.add(place);
  }
}

/** Flushes; when that fails, nothing may be acknowledged until the volume is opened anew. */
async function flush(engine: OpenedEngine, device: BlockDevice, told: Told): Promise<BlockDevice> {
  const covered = [...told.acknowledged];
  if (await attempt(() => device.flush())) {
    told.flushed = covered;
    return device;
  }
  await assert.rejects(device.flush(), { code: 'io' });
  await assert.rejects(device.write(5 * MiB, Buffer.alloc(sector, 1)), { code: 'io' });
  await attempt(() => device.close());
  told.forgetUnflushed();
  return engine.openVolume('v');
}

async function snapshot(engine: OpenedEngine, snapshotId: string, told: Told): Promise<void> {
  const span = { least: [...told.acknowledged], most: [...told.tried] };
  told.snapshots.set(snapshotId, span);
  told.unsure.add(snapshotId);
  const snapshots = [{ volumeId: 'v', snapshotId }];
  if (await attempt(() => engine.createSnapshots(snapshots))) told.unsure.delete(snapshotId);
}

async function work(engine: OpenedEngine, told: Told): Promise<void> {
  for (let tries = 0; !told.hasVolume && tries < 3; tries += 1) {
    told.hasVolume = await attempt(() => engine.createVolume({ volumeId: 'v', lengthBytes }));
  }
  let device = await engine.openVolume('v');
  for (let round = 1; round <= 5; round += 1) {
    await writeRound(device, round, told);
    // What makes the second layer the larger one, so that the third is merged down into it.
    if (round === 2) await attempt(() => device.write(10 * MiB, Buffer.alloc(16 * sector, 1)));
    device = await flush(engine, device, told);
    if (round === 5) break;
    await snapshot(engine, `s${round}`, told);
    if (round < 3) continue;
    const old = `s${round === 3 ? 2 : 1}`;
    told.unsure.add(old);
    if (await attempt(() => engine.deleteSnapshot(old))) told.snapshots.delete(old);
    await attempt(() => engine.settled());
  }
  // What the fifth round wrote is freed in the head itself, up to its end.
  await writeRound(device, 6, told);
  device = await flush(engine, device, told);
  await attempt(() => engine.settled());
  await attempt(() => device.close());
}

async function assertSpan(
  device: BlockDevice,
  span: Span,
  broken: ReadonlySet<number>,
  what: string,
): Promise<void> {
  const found = Buffer.alloc(sector);
  for (const [place, at] of places.entries()) {
    await device.read(at, found);
    const allowed = new Set<number | undefined>();
    const [least, most] = [span.least[place] ?? 0, span.most[place] ?? 0];
    for (let round = least; round <= most; round += 1) allowed.add(valueOf(place, round));
    const pieceBytes = broken.has(place) ? sector / 2 : sector;
    for (let piece = 0; piece < sector; piece += pieceBytes) {
      const bytes = found.subarray(piece, piece + pieceBytes);
      const [value] = bytes;
      assert.ok(
        bytes.every((byte) => byte === value),
        'a sector is not torn',
      );
      assert.ok(allowed.has(value), `${what}: ${value} at ${at}, not of ${least} to ${most}`);
    }
  }
}

/** Everything that was acknowledged is there, whole, and can be worked with. */
async function check(folder: string, told: Told): Promise<void> {
  const engine = await openVolumeEngine({ folder });
  try {
    await engine.settled();
    for (const [snapshotId, span] of told.snapshots) {
      if ((await engine.findSnapshot(snapshotId)) === undefined) {
        assert.ok(told.unsure.has(snapshotId), `${snapshotId} is there`);
        continue;
      }
      const device = await engine.openSnapshot(snapshotId);
      await assertSpan(device, span, told.broken, snapshotId);
      await device.close();
    }
    if (!told.hasVolume) return;
    const device = await engine.openVolume('v');
    const span = { least: told.flushed, most: told.tried };
    await assertSpan(device, span, told.broken, 'the volume');
    await device.write(0, Buffer.alloc(sector, 9));
    await device.flush();
    await device.close();
  } finally {
    await engine.close();
  }
}

/** One call that fails, and how the run ends. */
export interface Fault {
  /** Which call of the file system, from 1 on. */
  readonly call: number;
  readonly code: string;
  /** A write does its first half before it fails. */
  readonly short: boolean;
  readonly end: 'power cut' | 'in order';
  /** Asked for each block that a power cut may lose. */
  readonly loses: () => boolean;
}

/** One run with a fault; answers which call that was, if any, and how many there were. */
export async function runWithFault(
  fault: Fault,
): Promise<{ failed: string | undefined; calls: number }> {
  const { code } = fault;
  const parent = await mkdtemp(join(fastFolder, 'firn-faults-'));
  const folder = join(parent, 'volumes');
  let calls = 0;
  let failed: string | undefined;
  const hooked = hookedFileOperations((operation, path) => {
    calls += 1;
    if (calls !== fault.call) return;
    failed = `${operation} ${path.slice(folder.length)}`;
    throw operation === 'write' && fault.short ? new ShortWrite(code) : systemError(code);
  });
  const files = new VolatileFiles(hooked);
  const told = new Told();
  let engine: OpenedEngine | undefined;
  try {
    await attempt(async () => {
      engine = await openVolumeEngine({ folder, fs: files.operations, report: () => undefined });
    });
    if (engine !== undefined) await work(engine, told);
    let checked = folder;
    if (fault.end === 'power cut') {
      checked = `${folder}-after`;
      mkdirSync(folder, { recursive: true });
      copyFolder(folder, checked);
      files.cutPower(folder, checked, fault.loses);
    }
    const opened = engine;
    if (opened !== undefined) await attempt(() => opened.close());
    await check(checked, told);
    return { failed, calls };
  } catch (error) {
    throw new Error(`${code} of call ${fault.call}, ${failed}, ${fault.end}`, { cause: error });
  } finally {
    await rm(parent, { recursive: true });
  }
}

/** Runs with faults drawn at random, one each. Rejects with the fault that showed a mistake. */
export async function runRandomFaults(options: {
  seed: number;
  runs: number;
  signal?: AbortSignal;
}): Promise<void> {
  const random = seeded(options.seed);
  const none = { call: 0, code: 'EIO', short: false, end: 'in order', loses: () => false } as const;
  const { calls } = await runWithFault(none);
  for (let run = 0; run < options.runs && options.signal?.aborted !== true; run += 1) {
    const chance = random();
    await runWithFault({
      call: 1 + Math.floor(random() * calls),
      code: random() < 0.5 ? 'EIO' : 'ENOSPC',
      short: random() < 0.5,
      end: random() < 0.7 ? 'power cut' : 'in order',
      loses: () => random() < chance,
    });
  }
}

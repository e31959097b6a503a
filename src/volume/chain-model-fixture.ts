import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { KiB, MiB } from '../base/bytes.ts';
import { must } from '../base/assert.ts';
import type { BlockDevice } from './block-device.ts';
import { copyFolder } from './copy-folder-fixture.ts';
import type { OpenedEngine } from './open-engine.ts';
import type { LayerLimits } from '../layer/layer.ts';
import { openVolumeEngine } from './open-engine.ts';
import { VolatileFiles } from './volatile-files.ts';

/**
 * The engine against plain arrays: random changes, snapshots, clones, deletions with their merges,
 * growth, reopening, and crashes. Only some windows of the volume are used, so that an array can
 * hold it: one at the start, and one across the border of two map pages.
 */
const sector = 4 * KiB;
const windowSectors = 12;
const windowBytes = windowSectors * sector;
const windows = [0, 64 * MiB - 6 * sector];
const firstLength = 64 * MiB + 6 * sector;
const modelBytes = windows.length * windowBytes;

interface Change {
  kind: 'write' | 'zero' | 'trim';
  volume: number;
  at: number;
  length: number;
  fill: number;
}

type Step =
  | Change
  | { kind: 'flush' | 'snapshot' | 'clone' | 'extend' | 'deleteVolume'; volume: number }
  | { kind: 'cloneSnapshot' | 'deleteSnapshot' | 'alias' | 'revert'; snapshot: number }
  | { kind: 'settle' | 'reopen' | 'group' }
  | { kind: 'crash'; losses: number }
  | { kind: 'kill' };

const anyVolume = fc.nat({ max: 7 });
const change = fc.record({
  kind: fc.constantFrom('write' as const, 'write' as const, 'zero' as const, 'trim' as const),
  volume: anyVolume,
  at: fc.nat({ max: modelBytes - 1 }),
  length: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 8 * sector })),
  fill: fc.integer({ min: 1, max: 255 }),
});
const aligned = change.map((step) => ({
  ...step,
  at: Math.floor(step.at / sector) * sector,
  length: Math.ceil(step.length / sector) * sector,
}));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.oneof(change, aligned) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('flush', 'snapshot', 'snapshot', 'clone', 'extend', 'deleteVolume'),
      volume: anyVolume,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('cloneSnapshot', 'deleteSnapshot', 'deleteSnapshot', 'alias', 'revert'),
      snapshot: fc.nat({ max: 15 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('settle', 'reopen', 'group') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('crash'), losses: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill') }) },
) as fc.Arbitrary<Step>;

interface ModelVolume {
  id: string;
  lengthBytes: number;
  now: Buffer;
  /** What each sector may hold after a crash: its last flushed content, and all later ones. */
  possible: Buffer[][];
  device: BlockDevice;
}

interface ModelSnapshot {
  id: string;
  volumeId: string;
  lengthBytes: number;
  content: Buffer;
}

class Model {
  folder: string;
  engine: OpenedEngine;
  volumes: ModelVolume[] = [];
  snapshots: ModelSnapshot[] = [];
  #files: VolatileFiles;
  readonly #limits: Limits;
  #count = 0;

  constructor(folder: string, engine: OpenedEngine, files: VolatileFiles, limits: Limits) {
    this.folder = folder;
    this.engine = engine;
    this.#files = files;
    this.#limits = limits;
  }

  async run(step: Step): Promise<void> {
    switch (step.kind) {
      case 'write':
      case 'zero':
      case 'trim':
        await this.#change(step);
        break;
      case 'settle':
        await this.engine.settled();
        break;
      case 'reopen':
        await this.#reopen();
        break;
      case 'group':
        await this.#snapshot(this.volumes);
        break;
      case 'crash':
        await this.#crash(step.losses);
        break;
      case 'kill':
        await this.#kill();
        break;
      case 'cloneSnapshot':
      case 'deleteSnapshot':
      case 'alias':
      case 'revert':
        await this.#useSnapshot(step.kind, step.snapshot);
        break;
      case 'flush':
      case 'snapshot':
      case 'clone':
      case 'extend':
      case 'deleteVolume':
        await this.#useVolume(step.kind, step.volume);
    }
  }

  async add(from?: { volume: ModelVolume } | { snapshot: ModelSnapshot }): Promise<void> {
    if (this.volumes.length === 6) return;
    this.#count += 1;
    const id = `volume-${this.#count}`;
    const source = from === undefined ? undefined : 'volume' in from ? from.volume : from.snapshot;
    const lengthBytes = source?.lengthBytes ?? firstLength;
    const content =
      from === undefined
        ? Buffer.alloc(modelBytes)
        : 'volume' in from
          ? from.volume.now
          : from.snapshot.content;
    const origin =
      from === undefined
        ? {}
        : {
            from:
              'volume' in from ? { volumeId: from.volume.id } : { snapshotId: from.snapshot.id },
          };
    await this.engine.createVolume({ volumeId: id, lengthBytes, ...origin });
    const volume = {
      id,
      lengthBytes,
      now: Buffer.from(content),
      possible: [],
      device: await this.engine.openVolume(id),
    };
    forget(volume);
    this.volumes.push(volume);
    if (from !== undefined && 'volume' in from) forget(from.volume);
  }

  /** Reads everything, also through snapshots, and compares. */
  async check(): Promise<void> {
    for (const volume of this.volumes) {
      assert.equal(volume.device.lengthBytes, volume.lengthBytes);
      assertEqual(await readModel(volume.device), volume.now, volume.id);
    }
    for (const snapshot of this.snapshots) {
      const device = await this.engine.openSnapshot(snapshot.id);
      assert.equal(device.lengthBytes, snapshot.lengthBytes);
      assertEqual(await readModel(device), snapshot.content, snapshot.id);
      await device.close();
    }
  }

  /** Changed extents between every two snapshots of one chain name every sector that differs. */
  async checkChanges(): Promise<void> {
    for (const upper of this.snapshots) {
      for (const lower of this.snapshots) {
        const since = must(await this.engine.findSnapshot(lower.id), 'the snapshot').layerId;
        const chain = must(await this.engine.findSnapshot(upper.id), 'the snapshot').chain;
        const extents = await this.engine.changedExtents({
          snapshotId: upper.id,
          sinceLayerId: since,
        });
        assert.equal(extents !== undefined, chain.includes(since));
        if (extents === undefined) continue;
        for (let at = 0; at < modelBytes; at += sector) {
          const content = upper.content.subarray(at, at + sector);
          const offset = placeOf(at);
          const extent = extents.find(
            (each) => each.offsetBytes <= offset && offset < each.offsetBytes + each.lengthBytes,
          );
          if (extent === undefined) {
            assert.ok(content.equals(lower.content.subarray(at, at + sector)), 'is not listed');
          } else if (extent.kind === 'zero') {
            assert.ok(
              content.every((byte) => byte === 0),
              'is listed as zero',
            );
          }
        }
      }
    }
  }

  async #change(step: Change): Promise<void> {
    const volume = this.#volume(step.volume);
    if (volume === undefined) return;
    const inWindow = windowBytes - (step.at % windowBytes);
    const length = Math.min(step.length, inWindow);
    const { now } = volume;
    const end = step.at + length;
    const offset = placeOf(step.at);
    if (step.kind === 'write') {
      const content = Buffer.alloc(length, step.fill);
      content[0] = (step.fill + 1) % 256;
      await volume.device.write(offset, content);
      content.copy(now, step.at);
    } else if (step.kind === 'zero') {
      await volume.device.zero(offset, length);
      now.fill(0, step.at, end);
    } else {
      await volume.device.trim(offset, length);
      const from = Math.ceil(step.at / sector) * sector;
      const to = Math.floor(end / sector) * sector;
      if (from < to) now.fill(0, from, to);
    }
    for (let index = Math.floor(step.at / sector); index * sector < end; index += 1) {
      volume.possible[index]?.push(sectorOf(now, index));
    }
  }

  async #useVolume(
    kind: 'flush' | 'snapshot' | 'clone' | 'extend' | 'deleteVolume',
    index: number,
  ): Promise<void> {
    const volume = this.#volume(index);
    if (volume === undefined) return;
    if (kind === 'flush') {
      await volume.device.flush();
      forget(volume);
    } else if (kind === 'snapshot') {
      await this.#snapshot([volume]);
    } else if (kind === 'clone') {
      await this.add({ volume });
    } else if (kind === 'extend') {
      volume.lengthBytes += 3 * MiB + 512;
      await this.engine.extendVolume(volume.id, volume.lengthBytes);
    } else {
      await assert.rejects(this.engine.deleteVolume(volume.id), { code: 'invalid_state' });
      await volume.device.close();
      await this.engine.deleteVolume(volume.id);
      this.volumes = this.volumes.filter((each) => each !== volume);
      this.snapshots = this.snapshots.filter((each) => each.volumeId !== volume.id);
    }
  }

  async #snapshot(volumes: readonly ModelVolume[]): Promise<void> {
    const wanted = volumes.map((volume) => {
      this.#count += 1;
      return { volume, volumeId: volume.id, snapshotId: `snapshot-${this.#count}` };
    });
    const facts = await this.engine.createSnapshots(wanted);
    for (const [index, { volume, volumeId, snapshotId }] of wanted.entries()) {
      const { lengthBytes } = volume;
      assert.equal(facts[index]?.lengthBytes, lengthBytes);
      const content = Buffer.from(volume.now);
      this.snapshots.push({ id: snapshotId, volumeId, lengthBytes, content });
      forget(volume);
    }
  }

  async #revert(snapshot: ModelSnapshot): Promise<void> {
    const volume = this.volumes.find(({ id }) => id === snapshot.volumeId);
    if (volume === undefined) return;
    const options = { volumeId: volume.id, snapshotId: snapshot.id };
    await assert.rejects(this.engine.revertVolume(options), { code: 'invalid_state' });
    await volume.device.close();
    await this.engine.revertVolume(options);
    await this.engine.revertVolume(options);
    volume.device = await this.engine.openVolume(volume.id);
    volume.now = Buffer.from(snapshot.content);
    forget(volume);
  }

  async #useSnapshot(
    kind: 'cloneSnapshot' | 'deleteSnapshot' | 'alias' | 'revert',
    index: number,
  ): Promise<void> {
    const snapshot = this.snapshots[index % Math.max(1, this.snapshots.length)];
    if (snapshot === undefined) return;
    if (kind === 'cloneSnapshot') {
      await this.add({ snapshot });
    } else if (kind === 'revert') {
      await this.#revert(snapshot);
    } else if (kind === 'alias') {
      this.#count += 1;
      const aliasId = `alias-${this.#count}`;
      await this.engine.aliasSnapshot({ snapshotId: snapshot.id, aliasId });
      this.snapshots.push({ ...snapshot, id: aliasId });
    } else {
      await this.engine.deleteSnapshot(snapshot.id);
      await this.engine.deleteSnapshot(snapshot.id);
      this.snapshots = this.snapshots.filter((each) => each !== snapshot);
    }
  }

  async #reopen(): Promise<void> {
    for (const volume of this.volumes) {
      await volume.device.close();
      forget(volume);
    }
    await this.engine.close();
    await this.#open(new VolatileFiles());
  }

  /** Goes on as the next process does after this one has died: all is there, flushed or not. */
  async #kill(): Promise<void> {
    const folder = `${this.folder}k`;
    copyFolder(this.folder, folder);
    const files = this.#files.afterKill(this.folder, folder);
    for (const volume of this.volumes) await volume.device.close();
    await this.engine.close();
    await rm(this.folder, { recursive: true });
    this.folder = folder;
    await this.#open(files);
    await this.check();
  }

  /**
   * Goes on with a copy of the folder as it is at this moment, in which each block that was not
   * synced is there or not; the bits of `losses` decide.
   */
  async #crash(losses: number): Promise<void> {
    const folder = `${this.folder}x`;
    copyFolder(this.folder, folder);
    let asked = 0;
    this.#files.cutPower(this.folder, folder, () => ((losses >> (asked++ % 31)) & 1) === 1);
    for (const volume of this.volumes) await volume.device.close();
    await this.engine.close();
    await rm(this.folder, { recursive: true });
    this.folder = folder;
    await this.#open(new VolatileFiles());
    for (const volume of this.volumes) {
      const found = await readModel(volume.device);
      for (const [index, possible] of volume.possible.entries()) {
        const content = sectorOf(found, index);
        assert.ok(
          possible.some((each) => each.equals(content)),
          `sector ${index} of ${volume.id} is its flushed content or a later one`,
        );
      }
      volume.now = found;
      forget(volume);
    }
  }

  async #open(files: VolatileFiles): Promise<void> {
    this.#files = files;
    const fs = files.operations;
    this.engine = await openVolumeEngine({ folder: this.folder, fs, ...this.#limits });
    for (const volume of this.volumes) volume.device = await this.engine.openVolume(volume.id);
  }

  #volume(index: number): ModelVolume | undefined {
    return this.volumes[index % Math.max(1, this.volumes.length)];
  }
}

/** Where a byte of the model lies in the volume. */
function placeOf(at: number): number {
  return must(windows[Math.floor(at / windowBytes)], 'the window') + (at % windowBytes);
}

function sectorOf(content: Buffer, index: number): Buffer {
  return Buffer.from(content.subarray(index * sector, (index + 1) * sector));
}

/** What was flushed is the only thing that a crash may leave. */
function forget(volume: ModelVolume): void {
  volume.possible = Array.from({ length: modelBytes / sector }, (_, index) => [
    sectorOf(volume.now, index),
  ]);
}

async function readModel(device: BlockDevice): Promise<Buffer> {
  const content = Buffer.alloc(modelBytes, 0xee);
  await Promise.all(
    windows.map((offset, index) =>
      device.read(offset, content.subarray(index * windowBytes, (index + 1) * windowBytes)),
    ),
  );
  return content;
}

function assertEqual(found: Buffer, expected: Buffer, subject: string): void {
  for (let index = 0; index < modelBytes / sector; index += 1) {
    assert.ok(
      sectorOf(found, index).equals(sectorOf(expected, index)),
      `sector ${index} of ${subject} is as it was written`,
    );
  }
}

/** So that layers flush in the background after every few changes, and writers wait for it. */
const tightLimits: LayerLimits = { changedBytes: 800, logBytes: 128 };

interface Limits {
  readonly limits?: LayerLimits;
}

/** How much of the model is run. */
export interface ChainModelOptions {
  readonly seed: number;
  readonly runs: number;
  /** The most steps of one run; the fewest are ten. */
  readonly stepsMax: number;
  /** The runs that are left are skipped when it is aborted. */
  readonly signal?: AbortSignal;
  /** When a failure is not made smaller any further. */
  readonly timeLimitMs?: number;
}

/** Runs random steps; rejects with the seed and the shortest case found that fails. */
export async function runChainModel(options: ChainModelOptions): Promise<{ steps: number }> {
  const { seed, runs: numRuns, stepsMax, signal, timeLimitMs } = options;
  const parent = await mkdtemp(join(tmpdir(), 'firn-model-'));
  let count = 0;
  let done = 0;
  try {
    const steps = fc.array(step, { minLength: 10, maxLength: stepsMax, size: 'max' });
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (list, isTight) => {
        if (signal?.aborted === true) return;
        count += 1;
        await runSteps(join(parent, String(count)), list, isTight ? { limits: tightLimits } : {});
        done += list.length;
      }),
      {
        seed,
        numRuns,
        ...(timeLimitMs === undefined
          ? { endOnFailure: true }
          : { interruptAfterTimeLimit: timeLimitMs }),
      },
    );
  } finally {
    await rm(parent, { recursive: true });
  }
  return { steps: done };
}

async function runSteps(folder: string, steps: readonly Step[], limits: Limits): Promise<void> {
  const files = new VolatileFiles();
  const engine = await openVolumeEngine({ folder, fs: files.operations, ...limits });
  const model = new Model(folder, engine, files, limits);
  try {
    await model.add();
    for (const each of steps) await model.run(each);
    await model.check();
    await model.checkChanges();
    await model.engine.settled();
    await model.check();
    await model.checkChanges();
  } finally {
    await model.engine.close();
    await rm(model.folder, { recursive: true });
  }
}

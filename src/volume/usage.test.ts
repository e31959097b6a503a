import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { must } from '../base/assert.ts';
import { KiB, MiB, TiB } from '../base/bytes.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';

/**
 * Usage against a plain array for each head and snapshot: what wrote each sector. Two readers share
 * a sector when the same write is behind it.
 */
const sector = 4 * KiB;
const lengthBytes = 64 * MiB + 5 * sector + 100;
/** The sectors that are used: some at the start, some on both sides of a border of map pages. */
const places = [0, 1, 2, 3, 4, 5, 16_381, 16_382, 16_383, 16_384, 16_385, 16_389];
const runs = Number(process.env['FIRN_MODEL_RUNS'] ?? 25);

interface View {
  readonly of: { volumeId: string } | { snapshotId: string };
  /** The volume that it belongs to. */
  readonly owner: string;
  /** By place: the number of the write, or 0. */
  readonly content: number[];
  /** Names of one layer have the same. */
  readonly layer: number;
}

type Step = { kind: (typeof kinds)[number]; pick: number; at: number; count: number };
const kinds = [
  ...(['write', 'write', 'write', 'trim', 'snapshot', 'snapshot', 'clone', 'cloneVolume'] as const),
  ...(['revert', 'alias', 'deleteSnapshot', 'deleteVolume', 'settle'] as const),
] as const;
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...kinds),
  pick: fc.nat({ max: 30 }),
  at: fc.nat({ max: places.length - 1 }),
  count: fc.integer({ min: 1, max: 6 }),
});

class Model {
  readonly #engine: OpenedEngine;
  #views: View[] = [];
  #count = 0;

  constructor(engine: OpenedEngine) {
    this.#engine = engine;
  }

  async run({ kind, pick, at, count }: Step): Promise<void> {
    const volumes = this.#views.filter((view) => 'volumeId' in view.of);
    const snapshots = this.#views.filter((view) => 'snapshotId' in view.of);
    const volume = volumes[pick % Math.max(1, volumes.length)];
    const snapshot = snapshots[pick % Math.max(1, snapshots.length)];
    if (kind === 'settle') await this.#engine.settled();
    else if (kind === 'write' || kind === 'trim') {
      if (volume !== undefined) await this.#change(volume, kind, places.slice(at, at + count), at);
    } else if (kind === 'snapshot' || kind === 'cloneVolume' || kind === 'deleteVolume') {
      if (volume !== undefined) await this.#useVolume(kind, volume);
    } else if (snapshot !== undefined) {
      await this.#useSnapshot(kind, snapshot);
    }
  }

  async add(from?: View): Promise<void> {
    const volumeId = `v${(this.#count += 1)}`;
    const origin = from === undefined ? {} : { from: from.of };
    await this.#engine.createVolume({ volumeId, lengthBytes, ...origin });
    this.#show({ volumeId }, volumeId, from?.content ?? places.map(() => 0));
  }

  async check(): Promise<void> {
    for (const view of this.#views) {
      const others = this.#views.filter((other) => other.layer !== view.layer);
      let [shared, exclusive] = [0, 0];
      for (const [place, write] of view.content.entries()) {
        if (write === 0) continue;
        if (others.some((other) => other.content[place] === write)) shared += sector;
        else exclusive += sector;
      }
      const expected = {
        logicalBytes: lengthBytes,
        allocatedBytes: shared + exclusive,
        sharedBytes: shared,
        exclusiveBytes: exclusive,
      };
      assert.deepEqual(await this.#engine.usage(view.of), expected);
      const device = await this.#engine.openVolume(view.owner);
      assert.deepEqual(await this.#engine.usage(view.of), expected, 'in use');
      await device.close();
    }
  }

  #show(of: View['of'], owner: string, content: readonly number[], layer?: number): void {
    const shown = { of, owner, content: [...content], layer: layer ?? (this.#count += 1) };
    this.#views.push(shown);
  }

  #hide(wanted: (view: View) => boolean): void {
    this.#views = this.#views.filter((view) => !wanted(view));
  }

  async #change(view: View, kind: 'write' | 'trim', sectors: number[], at: number): Promise<void> {
    const device = await this.#engine.openVolume(view.owner);
    for (const [index, place] of sectors.entries()) {
      const start = place * sector;
      const length = Math.min(sector, lengthBytes - start);
      if (kind === 'trim') await device.trim(start, length);
      else await device.write(start, Buffer.alloc(length, 1));
      view.content[at + index] = kind === 'trim' ? 0 : (this.#count += 1);
    }
    await device.close();
  }

  async #useVolume(kind: 'snapshot' | 'cloneVolume' | 'deleteVolume', view: View): Promise<void> {
    if (kind === 'snapshot') {
      const snapshotId = `s${(this.#count += 1)}`;
      await this.#engine.createSnapshots([{ volumeId: view.owner, snapshotId }]);
      this.#show({ snapshotId }, view.owner, view.content);
    } else if (kind === 'cloneVolume') {
      await this.add(view);
    } else {
      await this.#engine.deleteVolume(view.owner);
      this.#hide(({ owner }) => owner === view.owner);
    }
  }

  async #useSnapshot(
    kind: 'clone' | 'revert' | 'alias' | 'deleteSnapshot',
    view: View,
  ): Promise<void> {
    const { snapshotId } = view.of as { snapshotId: string };
    if (kind === 'clone') {
      await this.add(view);
    } else if (kind === 'alias') {
      const aliasId = `a${(this.#count += 1)}`;
      await this.#engine.aliasSnapshot({ snapshotId, aliasId });
      this.#show({ snapshotId: aliasId }, view.owner, view.content, view.layer);
    } else if (kind === 'deleteSnapshot') {
      await this.#engine.deleteSnapshot(snapshotId);
      this.#hide((each) => each === view);
    } else {
      await this.#engine.revertVolume({ volumeId: view.owner, snapshotId });
      this.#hide(({ of, owner }) => 'volumeId' in of && owner === view.owner);
      this.#show({ volumeId: view.owner }, view.owner, view.content);
    }
  }
}

test('usage is what a comparison of all readers says, also under merges', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'firn-usage-'));
  let count = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const engine = await openVolumeEngine({ folder: join(parent, String((count += 1))) });
        try {
          const model = new Model(engine);
          await model.add();
          for (const each of steps) await model.run(each);
          // Merges are under way now.
          await model.check();
          await engine.settled();
          await model.check();
        } finally {
          await engine.close();
        }
      }),
      // A failure prints the seed and the path to it.
      { numRuns: runs, endOnFailure: true },
    );
  } finally {
    await rm(parent, { recursive: true });
  }
});

test('usage of 16 TiB asks only for what is there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-usage-'));
  const engine = await openVolumeEngine({ folder });
  await engine.createVolume({ volumeId: 'v', lengthBytes: 8 * TiB });
  const device = await engine.openVolume('v');
  for (let at = 0; at < 300; at += 1) {
    await device.write(
      (at * 8 * TiB) / 300 - (((at * 8 * TiB) / 300) % sector),
      Buffer.alloc(sector),
    );
  }
  await engine.createSnapshots([{ volumeId: 'v', snapshotId: 's' }]);
  await device.write(0, Buffer.alloc(2 * sector));
  assert.deepEqual(await engine.usage({ volumeId: 'v' }), {
    logicalBytes: 8 * TiB,
    allocatedBytes: 301 * sector,
    sharedBytes: 299 * sector,
    exclusiveBytes: 2 * sector,
  });
  const { exclusiveBytes } = must(await engine.usage({ snapshotId: 's' }), 'usage');
  assert.equal(exclusiveBytes, sector);
  await assert.rejects(engine.usage({ volumeId: 'none' }), { code: 'not_found' });
  await assert.rejects(engine.usage({ snapshotId: 'none' }), { code: 'not_found' });
  await device.close();
  await engine.close();
  await rm(folder, { recursive: true });
});

/** In which order layers are filled; what is filled in is proven beside the volumes. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { GiB, MiB } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import { createRepository, openRepository } from '../repository/repository.ts';
import { MemoryStore } from '../store/memory.ts';
import type { BackedFacts, Backing } from '../volume/hydration.ts';
import { Hydrator, type HydratorOptions } from './hydrator.ts';

interface Scene {
  readonly hydrator: Hydrator;
  /** Layers that were advanced, in order. */
  readonly advanced: string[];
  readonly layers: Map<string, Backing>;
  /** A layer whose filling fails. */
  broken: string | undefined;
  readonly done: () => Promise<void>;
}

/** Layers that lack nothing, in an engine that only counts. */
async function scene(t: TestContext, names: readonly string[]): Promise<Scene> {
  const store = new MemoryStore('memory:hydrator');
  const wrappingKey = Buffer.alloc(32, 7);
  await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, { wrappingKey, workers: 1 });
  const root = { rootId: new Uint8Array(32), depth: 2 };
  const reader = repository.openMap(root, GiB);
  const backing = (): Backing => {
    const place = { container: 'c', backupId: 'b', rootId: '00'.repeat(32), depth: 2 };
    return { ...place, lengthBytes: GiB, doneBytes: 0 };
  };
  const layers = new Map(names.map((name) => [name, backing()]));
  const advanced: string[] = [];
  const made: Scene = {
    advanced,
    layers,
    broken: undefined,
    hydrator: new Hydrator({
      engine: fakeEngine(),
      backups: {
        keep: () => () => undefined,
        reader: async () => reader,
      },
      report: () => undefined,
    }),
    async done() {
      const left = (): number => layers.size - (made.broken === undefined ? 0 : 1);
      for (let turns = 0; left() > 0; turns += 1) {
        assert.ok(turns < 100_000, `${[...layers.keys()].join()} are left`);
        await turn();
      }
    },
  };
  t.after(async () => {
    await made.hydrator.stop();
    reader.close();
    await repository.close();
  });
  return made;

  function fakeEngine(): HydratorOptions['engine'] {
    const hydration = {
      backedLayers: async (): Promise<BackedFacts[]> =>
        [...layers].map(([layerId, each]) => ({ layerId, backing: each, volumeIds: [layerId] })),
      missing: async () => {
        await turn();
        return [];
      },
      fill: async () => 0,
      advance: async (layerId: string, doneBytes: number): Promise<void> => {
        if (layerId === made.broken) throw new OperatingError('unavailable', 'down');
        advanced.push(layerId);
        const before = layers.get(layerId) ?? backing();
        if (doneBytes === GiB) layers.delete(layerId);
        else layers.set(layerId, { ...before, doneBytes });
      },
    };
    const createVolume = async ({ volumeId }: { volumeId: string }): Promise<void> => {
      layers.set(volumeId, backing());
    };
    return { hydration, createVolume };
  }
}

/** How often each name occurs before the first one has occurred for the last time. */
function countsAtFirstEnd(advanced: readonly string[]): number[] {
  const names = [...new Set(advanced)];
  const end = Math.min(...names.map((name) => advanced.lastIndexOf(name)));
  const before = advanced.slice(0, end + 1);
  return names.map((name) => before.filter((each) => each === name).length);
}

test('several layers are filled in turns: none waits for the end of another', async (t) => {
  const { hydrator, advanced, done } = await scene(t, ['a', 'b', 'c', 'd', 'e']);
  await hydrator.start();
  await done();
  assert.equal(advanced.length, 5 * (GiB / (256 * MiB)));
  const counts = countsAtFirstEnd(advanced);
  assert.ok(Math.min(...counts) >= 2, `${advanced.join()}: all were under way together`);
});

test('a layer that comes meanwhile takes its turn, and one that fails stops nobody', async (t) => {
  const made = await scene(t, ['a', 'b', 'c']);
  made.broken = 'b';
  await made.hydrator.start();
  for (let turns = 0; made.advanced.length === 0; turns += 1) {
    assert.ok(turns < 100_000);
    await turn();
  }
  const place = { container: 'c', backupId: 'b', rootId: '00'.repeat(32), depth: 2 };
  const backing = { ...place, lengthBytes: GiB, doneBytes: 0 };
  await made.hydrator.createVolume({ volumeId: 'late', lengthBytes: GiB, backing });
  await made.done();
  assert.ok(made.advanced.indexOf('late') < made.advanced.lastIndexOf('c'), made.advanced.join());
  assert.deepEqual([...made.layers.keys()], ['b']);
});

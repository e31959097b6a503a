import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { seeded } from '../../demo/random.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { until } from '../../test/interop/until.ts';
import { FaultyStore } from './fault.ts';
import { MemoryStore, openMemoryRoot } from './memory.ts';
import { ReplicatedRoot } from './replicate.ts';
import { storeContract } from './store-contract.ts';
import type { Store, StoreRoot } from './store.ts';
import { wrapRoot } from './wrap-root.ts';

const down = new OperatingError('unavailable', 'down for a while');

/** A memory root whose stores can be switched off, and counted. */
class Medium {
  readonly root: StoreRoot;
  readonly memory = openMemoryRoot();
  isDown = false;
  readonly faulty = new Map<Store, FaultyStore>();

  constructor() {
    const wrapped = wrapRoot(this.memory, (store) => {
      const script = () => (this.isDown ? ({ kind: 'fail', error: down } as const) : undefined);
      const faulty = this.faulty.get(store) ?? new FaultyStore(store, script);
      this.faulty.set(store, faulty);
      return faulty;
    });
    this.root = {
      ...wrapped,
      open: async (container, options) => {
        if (this.isDown) throw down;
        return wrapped.open(container, options);
      },
    };
  }

  async objects(container = 'c'): Promise<Map<string, Uint8Array>> {
    const store = await this.memory.open(container, { create: true });
    assert.ok(store instanceof MemoryStore);
    return store.objects;
  }
}

interface Scene {
  readonly first: Medium;
  readonly copy: Medium;
  readonly folder: string;
  readonly problems: unknown[];
  readonly start: () => ReplicatedRoot;
}

async function withScene(act: (scene: Scene) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-copy-'));
  const [first, copy] = [new Medium(), new Medium()];
  const problems: unknown[] = [];
  const started: ReplicatedRoot[] = [];
  const start = (): ReplicatedRoot => {
    const root = replicate(first.root, copy.root, folder, problems);
    started.push(root);
    return root;
  };
  try {
    await act({ first, copy, folder, problems, start });
  } finally {
    for (const root of started) await root.close();
    await rm(folder, { recursive: true });
  }
}

function replicate(
  first: StoreRoot,
  copy: StoreRoot,
  folder: string,
  problems: unknown[] = [],
): ReplicatedRoot {
  return new ReplicatedRoot({
    first,
    copy,
    folder,
    isRoot: (name) => name.startsWith('backups/'),
    isPassing: (name) => name.startsWith('leases/'),
    sleep: async () => {
      for (let turns = 0; turns < 20; turns += 1) await turn();
    },
    onProblem: (error) => problems.push(error),
  });
}

async function settled(root: ReplicatedRoot, container = 'c'): Promise<void> {
  await until('the copy is complete', () => root.copyState(container)?.state === 'complete');
}

const bytes = (text: string): Uint8Array[] => [Buffer.from(text)];
const text = (content: Uint8Array): string => Buffer.from(content).toString();
const code = (expected: string) => (error: unknown) =>
  isOperatingError(error) && error.code === expected;

describe('a store with a copy', () => {
  it('has every object in both, and what is removed in neither', async () => {
    await withScene(async ({ start, copy, folder }) => {
      const root = start();
      const store = await root.open('c', { create: true });
      await Promise.all(['a', 'b', 'x/c'].map((name) => store.put(name, bytes(name))));
      await settled(root);
      assert.deepEqual([...(await copy.objects()).keys()].sort(), ['a', 'b', 'x/c']);
      assert.equal(root.isCopied('c', 'a'), true);
      await store.remove('a');
      await assert.rejects(store.get('a'), code('not_found'));
      assert.equal(await store.sizeOf('a'), undefined);
      await until('it is gone from the copy', async () => !(await copy.objects()).has('a'));
      assert.deepEqual([...(await copy.objects()).keys()].sort(), ['b', 'x/c']);
      await root.close();
      assert.deepEqual(await readdir(folder), [], 'nothing is noted any more');
    });
  });

  it('finds what is missing by comparing, whatever happened before', async () => {
    await withScene(async ({ start, first, copy }) => {
      const store = await first.root.open('c', { create: true });
      for (const name of ['a', 'b', 'backups/1']) await store.put(name, bytes(name));
      (await copy.objects()).set('a', Buffer.from('a'));
      (await copy.objects()).set('b', Buffer.from(''));
      const root = start();
      await root.open('c', { create: false });
      assert.equal(root.isCopied('c', 'backups/1'), undefined, 'not compared yet');
      await settled(root);
      assert.equal(text((await copy.objects()).get('b') ?? Buffer.alloc(0)), 'b');
      const copied = [...copy.faulty.values()][0];
      assert.deepEqual(
        copied?.operations.filter(({ verb }) => verb === 'put').map(({ name }) => name),
        ['b', 'b', 'backups/1'],
        'what was there is not put again, what was cut short is replaced',
      );
    });
  });

  it('copies a root after all that was put before it, and goes on without a copy', async () => {
    await withScene(async ({ start, copy, problems }) => {
      const root = start();
      const store = await root.open('c', { create: true });
      await store.put('packs/1', bytes('1'));
      await settled(root);
      copy.isDown = true;
      await store.put('packs/2', bytes('2'));
      await store.put('backups/1', bytes('m'));
      assert.equal(await store.sizeOf('packs/9'), undefined);
      await until('a problem is told', () => problems.length > 0);
      assert.equal(root.isCopied('c', 'backups/1'), false);
      assert.equal(root.copyState('c')?.problem, 'down for a while');
      copy.isDown = false;
      await settled(root);
      assert.deepEqual([...(await copy.objects()).keys()], ['packs/1', 'packs/2', 'backups/1']);
      assert.equal(root.copyState('c')?.problem, null);
    });
  });

  it('reads from the copy what the first store lost, damaged, or cannot tell', async () => {
    await withScene(async ({ start, first }) => {
      const root = start();
      const store = await root.open('c', { create: true });
      for (const name of ['lost', 'cut', 'bad']) await store.put(name, bytes(`${name} whole`));
      await settled(root);
      const objects = await first.objects();
      objects.delete('lost');
      objects.set('cut', Buffer.from('cut'));
      objects.set('bad', Buffer.from('bad WHOLE'));
      assert.equal(text(await store.get('lost')), 'lost whole');
      assert.equal(await store.sizeOf('lost'), 10);
      const range = { offsetBytes: 4, lengthBytes: 5 };
      assert.equal(text(await store.get('cut', { range })), 'whole');
      assert.equal(text(await store.get('bad')), 'bad WHOLE', 'only a reader knows that it is bad');
      const [here, there] = store.copies ?? [];
      assert.equal(text((await here?.get('bad')) ?? Buffer.alloc(0)), 'bad WHOLE');
      assert.equal(text((await there?.get('bad')) ?? Buffer.alloc(0)), 'bad whole');
      await assert.rejects(store.get('never'), code('not_found'));
      first.isDown = true;
      assert.equal(text(await store.get('lost')), 'lost whole');
      const listed = (await Array.fromAsync(store.list(''))).map(({ name }) => name);
      assert.deepEqual(listed.sort(), ['bad', 'cut', 'lost']);
      await assert.rejects(store.put('new', bytes('x')), code('unavailable'));
    });
  });

  it('opens from the copy when the first store is gone, and makes nothing anew', async () => {
    await withScene(async ({ start, first, copy }) => {
      const root = start();
      const store = await root.open('c', { create: true });
      await store.put('a', bytes('a'));
      await settled(root);
      await root.close();
      first.isDown = true;
      const again = await start().open('c', { create: true });
      assert.equal(text(await again.get('a')), 'a');
      copy.isDown = true;
      await assert.rejects(start().open('c', { create: true }), code('unavailable'));
    });
    await withScene(async ({ start, copy }) => {
      copy.isDown = true;
      await assert.rejects(start().open('c', { create: true }), code('unavailable'));
    });
  });

  it('never removes from the copy what the first store only lost', async () => {
    await withScene(async ({ start, first, copy, folder }) => {
      const root = start();
      const store = await root.open('c', { create: true });
      for (const name of ['a', 'b', 'c']) await store.put(name, bytes(name));
      await settled(root);
      await root.close();
      (await first.objects()).delete('a');
      // Noted by a process that ended before it removed `b`, after it removed `c`, within a line.
      (await first.objects()).delete('c');
      await writeFile(join(folder, 'removals-c'), 'b\nc\na');
      const again = start();
      await (await first.root.open('other', { create: true })).put('x', []);
      await again.resume('b');
      assert.equal(again.copyState('other'), undefined, 'what has no mark is not copied');
      await settled(again);
      assert.deepEqual([...(await copy.objects()).keys()].sort(), ['a', 'b']);
      await again.close();
      assert.deepEqual(await readdir(folder), []);
    });
  });

  it('puts back what the first store lost or has cut short, a root last', async () => {
    await withScene(async ({ start, first, copy }) => {
      const root = start();
      const store = await root.open('c', { create: true });
      for (const name of ['backups/1', 'packs/1', 'packs/2', 'packs/3']) {
        await store.put(name, bytes(`${name} whole`));
      }
      await settled(root);
      await root.close();
      const objects = await first.objects();
      for (const name of ['backups/1', 'packs/1']) objects.delete(name);
      objects.set('packs/2', Buffer.from('packs/2'));
      const again = start();
      const opened = await again.open('c', { create: false });
      const listed = (await Array.fromAsync(opened.list(''))).map(({ name }) => name);
      assert.deepEqual(listed.sort(), ['backups/1', 'packs/1', 'packs/2', 'packs/3']);
      await settled(again);
      assert.deepEqual(new Map(await first.objects()), new Map(await copy.objects()));
      const put = [...first.faulty.values()][0]?.operations.filter(({ verb }) => verb === 'put');
      assert.deepEqual(
        put?.map(({ name }) => name).slice(4),
        ['packs/1', 'packs/2', 'packs/2', 'backups/1'],
        'the second put of packs/2 replaces',
      );
      assert.equal(again.copyState('c')?.objectsLost, 0);
    });
  });

  it('keeps what comes and goes to the first store', async () => {
    await withScene(async ({ start, copy, folder }) => {
      const root = start();
      const store = await root.open('c', { create: true });
      await store.put('leases/1', bytes('1'));
      await store.put('a', bytes('a'));
      await settled(root);
      assert.deepEqual([...(await copy.objects()).keys()], ['a']);
      (await copy.objects()).set('leases/0', Buffer.from('0'));
      const listed = (await Array.fromAsync(store.list(''))).map(({ name }) => name);
      assert.deepEqual(listed.sort(), ['a', 'leases/1']);
      assert.equal(await store.sizeOf('leases/0'), undefined);
      await assert.rejects(store.get('leases/0'), code('not_found'));
      await store.remove('leases/1');
      assert.deepEqual(await readdir(folder), [], 'no removal is noted');
    });
  });

  it('has all back after the first store was lost as a whole', async () => {
    await withScene(async ({ start, first, copy }) => {
      const root = start();
      const store = await root.open('c', { create: true });
      for (const name of ['packs/1', 'backups/1', 'gone']) await store.put(name, bytes(name));
      await settled(root);
      copy.isDown = true;
      await store.remove('gone');
      await root.close();
      copy.isDown = false;
      (await first.objects()).clear();
      const again = start();
      await again.resume('packs/1');
      await settled(again);
      assert.deepEqual([...(await first.objects()).keys()], ['packs/1', 'backups/1']);
      assert.deepEqual([...(await copy.objects()).keys()], ['packs/1', 'backups/1']);
    });
  });

  it('ends equal whatever fails, and in whatever order things happen', async () => {
    const seed = Number(process.env['FIRN_TEST_SEED'] ?? 4711);
    for (let round = 0; round < 6; round += 1) {
      await withScene(async ({ start, first, copy }) => {
        const random = seeded(seed + round);
        let root = start();
        let store = await root.open('c', { create: true });
        const names: string[] = [];
        for (let step = 0; step < 120; step += 1) {
          const chance = random();
          copy.isDown = random() < 0.3;
          if (chance < 0.6) {
            const name = `${random() < 0.2 ? 'backups' : 'packs'}/${step}`;
            await store.put(name, bytes(name));
            names.push(name);
          } else if (chance < 0.85 && names.length > 0) {
            await store.remove(names.splice(Math.floor(random() * names.length), 1)[0] ?? '');
          } else if (chance < 0.9) {
            await root.close();
            root = start();
            copy.isDown = false;
            store = await root.open('c', { create: false });
          }
          if (random() < 0.5) await turn();
        }
        copy.isDown = false;
        await settled(root);
        await root.close();
        const last = start();
        await last.open('c', { create: false });
        await settled(last);
        const [here, there] = [await first.objects(), await copy.objects()];
        assert.deepEqual([...there.keys()].sort(), [...here.keys()].sort(), `seed ${seed + round}`);
        assert.deepEqual([...here.keys()].sort(), names.sort());
      });
    }
  });
});

storeContract('memory with a copy', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-copy-'));
  const root = replicate(openMemoryRoot(), openMemoryRoot(), folder);
  const dispose = async (): Promise<void> => {
    await root.close();
    await rm(folder, { recursive: true });
  };
  return { root, dispose };
});

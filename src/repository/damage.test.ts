import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { must } from '../base/assert.ts';
import { isOperatingError } from '../base/errors.ts';
import { MemoryStore } from '../store/memory.ts';
import { blockBytes } from './block.ts';
import { readHeader } from './header.ts';
import { decodeIndex } from './index-format.ts';
import type { Manifest } from './manifest.ts';
import { backUpModel, ModelVolume } from './model-volume.ts';
import { decodeTrailer, entriesOf } from './pack-format.ts';
import { readPackContent } from './pack-read.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(2);
const options = { wrappingKey, workers, packBytes: 256 * 1024, packsPerIndex: 1 };
after(() => workers.close());
const seed = Number(process.env['SEED'] ?? Math.floor(performance.timeOrigin) % 1_000_000);

async function sample(): Promise<{ store: MemoryStore; manifests: Manifest[] }> {
  const store = new MemoryStore('memory:test');
  await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, options);
  const volume = new ModelVolume(1100);
  for (let block = 0; block < 500; block += 1) volume.write(block * 16, 16, block * 50 + 1);
  const first = await backUpModel(repository, volume);
  volume.write(1040 * 16 + 3, 2, 123_456);
  volume.write(10 * 16 + 3, 2, 654_321);
  const second = await backUpModel(repository, volume, { parent: first });
  await repository.close();
  return { store, manifests: [first, second] };
}

function named(store: MemoryStore, prefix: string): string[] {
  return [...store.objects.keys()].filter((name) => name.startsWith(prefix));
}

function flip(store: MemoryStore, name: string, bit: number): void {
  const bytes = Uint8Array.from(must(store.objects.get(name), name));
  const at = bit % (bytes.length * 8);
  bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
  store.objects.set(name, bytes);
}

async function opened<T>(store: MemoryStore, act: (it: Repository) => Promise<T>): Promise<T> {
  const repository = await openRepository(store, options);
  try {
    return await act(repository);
  } finally {
    await repository.close();
  }
}

describe('damage', () => {
  it('of one bit, anywhere in any object, is found and named', async () => {
    const { store } = await sample();
    const property = async (which: number, bit: number): Promise<void> => {
      const names = [
        ...named(store, 'packs/'),
        ...named(store, 'indexes/'),
        ...named(store, 'backups/'),
      ];
      const name = must(names[which % names.length], 'object');
      const whole = must(store.objects.get(name), name);
      flip(store, name, bit);
      const report = await opened(store, (it) => it.verify('all', 'blocks'));
      store.objects.set(name, whole);
      assert.ok(
        report.objects.some((object) => object.name === name),
        `${name}, bit ${bit}`,
      );
    };
    const bits = fc.asyncProperty(fc.nat(), fc.nat(), property);
    await fc.assert(bits, { seed, numRuns: 30, endOnFailure: true });
  });

  it('of the header or the key is found when the repository is opened', async () => {
    const { store } = await sample();
    for (const name of ['repository.json', must(named(store, 'keys/')[0], 'key')]) {
      const whole = must(store.objects.get(name), name);
      store.objects.set(name, whole.subarray(0, whole.length - 9));
      await assert.rejects(openRepository(store, options), (error) => {
        return isOperatingError(error, 'corrupt') && error.message.includes(name);
      });
      store.objects.set(name, new Uint8Array(100_000));
      await assert.rejects(openRepository(store, options), code('corrupt'));
      store.objects.set(name, whole);
    }
  });

  it('of a pack names the backups and the bytes that it reaches', async () => {
    const { store, manifests } = await sample();
    const pack = must(named(store, 'packs/')[0], 'pack');
    store.objects.delete(pack);
    for (const depth of ['objects', 'blocks'] as const) {
      const report = await opened(store, (it) => it.verify('all', depth));
      assert.equal(report.backups.length, manifests.length);
      for (const { ranges } of report.backups) {
        assert.ok(ranges.length > 0);
        for (const { offsetBytes, lengthBytes } of ranges) {
          assert.ok(
            lengthBytes % blockBytes === 0 && offsetBytes + lengthBytes <= 1100 * blockBytes,
          );
        }
      }
    }
    await opened(store, async (repository) => {
      const one = await repository.verify(must(manifests[0], 'first').backupId, 'objects');
      assert.equal(one.backups.length, 1);
      const reader = await repository.openReader(must(manifests[0], 'first'));
      await assert.rejects(
        reader.restore(async () => undefined),
        code('corrupt'),
      );
    });
  });

  it('of a pack while the repository is open is found, too', async () => {
    const { store } = await sample();
    await opened(store, async (repository) => {
      const pack = must(named(store, 'packs/')[0], 'pack');
      store.objects.delete(pack);
      const report = await repository.verify('all', 'objects');
      assert.ok(report.objects.some(({ name }) => name === pack));
      assert.ok(report.backups.length > 0);
    });
  });

  it('of a manifest hides no other backup, and stops prune', async () => {
    const { store, manifests } = await sample();
    const damaged = must(manifests[0], 'first').backupId;
    flip(store, `backups/${damaged}`, 300);
    await opened(store, async (repository) => {
      const found = await Array.fromAsync(repository.listBackups());
      assert.equal(found.length, 2);
      const bad = found.filter((one) => 'error' in one);
      assert.deepEqual(
        bad.map(({ backupId }) => backupId),
        [damaged],
      );
      await assert.rejects(repository.readManifest(damaged), code('corrupt'));
      await assert.rejects(repository.planPrune(), code('corrupt'));
      await repository.deleteBackup(damaged);
      await repository.planPrune();
    });
  });

  it('of every index costs nothing but time', async () => {
    const { store } = await sample();
    for (const name of named(store, 'indexes/')) store.objects.delete(name);
    await opened(store, async (repository) => {
      const report = await repository.verify('all', 'blocks');
      assert.deepEqual([report.objects, report.backups], [[], []]);
    });
  });

  it('is healed by a full backup of the same content', async () => {
    const { store } = await sample();
    store.objects.delete(must(named(store, 'packs/')[0], 'pack'));
    await opened(store, async (repository) => {
      const volume = new ModelVolume(1100);
      for (let block = 0; block < 500; block += 1) volume.write(block * 16, 16, block * 50 + 1);
      await backUpModel(repository, volume);
      const report = await repository.verify('all', 'blocks');
      assert.deepEqual(
        report.backups.map(({ ranges }) => ranges.length),
        [],
      );
    });
  });
});

describe('swapping', () => {
  it('one object for another of its kind is noticed', async () => {
    const { store } = await sample();
    for (const prefix of ['packs/', 'indexes/', 'backups/']) {
      const [first, second] = named(store, prefix);
      const [a, b] = [must(first, prefix), must(second, prefix)];
      const [left, right] = [must(store.objects.get(a), a), must(store.objects.get(b), b)];
      store.objects.set(a, right).set(b, left);
      const report = await opened(store, (it) => it.verify('all', 'blocks'));
      assert.ok(report.objects.some(({ name }) => name === a));
      assert.ok(report.objects.some(({ name }) => name === b));
      store.objects.set(a, left).set(b, right);
    }
  });
});

describe('an attacker who can write to the store', () => {
  it('cannot swap two blocks of a pack', async () => {
    const { store } = await sample();
    const keys = await readHeader(store, { wrappingKey });
    let swapped = 0;
    for (const name of named(store, 'packs/')) {
      const whole = must(store.objects.get(name), name);
      const packId = must(name.split('/').at(-1), 'id');
      const place = { packId, sizeBytes: whole.length };
      const { directory } = await readPackContent(store, keys, place);
      const entries = [...entriesOf(directory, name)].filter(({ kind }) => kind === 1);
      const [first] = entries;
      const twin = entries.findLast(({ lengthBytes }) => lengthBytes === first?.lengthBytes);
      if (first === undefined || twin === undefined || twin === first) continue;
      const bytes = Uint8Array.from(whole);
      const { lengthBytes } = first;
      const [a, b] = [first.offsetBytes, twin.offsetBytes];
      bytes.set(whole.subarray(a, a + lengthBytes), b);
      bytes.set(whole.subarray(b, b + lengthBytes), a);
      store.objects.set(name, bytes);
      const report = await opened(store, (it) => it.verify('all', 'blocks'));
      assert.ok(report.objects.some((object) => object.name === name));
      store.objects.set(name, whole);
      swapped += 1;
    }
    assert.ok(swapped > 0, 'two blocks of one length were swapped');
  });

  it('gains nothing by putting an old index back', async () => {
    const { store, manifests } = await sample();
    const old = new Map(named(store, 'indexes/').map((name) => [name, store.objects.get(name)]));
    await opened(store, async (repository) => {
      await repository.deleteBackup(must(manifests[0], 'the first').backupId);
      await repository.executePrune(await repository.planPrune());
      await backUpModel(repository, new ModelVolume(40));
    });
    for (const name of named(store, 'indexes/')) store.objects.delete(name);
    for (const [name, bytes] of old) store.objects.set(name, must(bytes, name));
    const report = await opened(store, (it) => it.verify('all', 'blocks'));
    assert.deepEqual([report.objects, report.backups], [[], []]);
  });

  it('of all manifests at once is told, what is pruned or being written is not', async () => {
    const { store, manifests } = await sample();
    const findings = (repository: Repository): Promise<string[]> =>
      repository.verify('all', 'objects').then(({ objects }) => objects.map(({ name }) => name));
    const kept = new Map(named(store, 'backups/').map((name) => [name, store.objects.get(name)]));
    for (const name of kept.keys()) store.objects.delete(name);
    await opened(store, async (repository) => {
      assert.deepEqual(await findings(repository), ['backups/']);
      assert.match((await repository.findUndescribed())?.message ?? '', /put backups\/ back/);
      const writer = await repository.openWriter({ lengthBytes: blockBytes });
      assert.deepEqual(await findings(repository), [], 'a first backup is on its way');
      await writer.abort();
      assert.deepEqual(await findings(repository), ['backups/']);
    });
    for (const [name, bytes] of kept) store.objects.set(name, must(bytes, name));
    await opened(store, async (repository) => {
      assert.deepEqual(await findings(repository), []);
      for (const { backupId } of manifests) await repository.deleteBackup(backupId);
      for (let round = 0; round < 2; round += 1) {
        await repository.executePrune(await repository.planPrune());
      }
      assert.deepEqual(await findings(repository), []);
    });
  });

  it('cannot tell equal volumes of two repositories, nor read a name', async () => {
    const [one, two] = [await sample(), await sample()];
    const text = (store: MemoryStore): string =>
      [...store.objects]
        .map(([name, bytes]) => `${name} ${Buffer.from(bytes).toString('latin1')}`)
        .join();
    assert.ok(!text(one.store).includes('nightly'));
    const sealed = (store: MemoryStore): Set<string> =>
      new Set(
        named(store, 'packs/').map((name) =>
          Buffer.from(store.objects.get(name) ?? []).toString('hex', 0, 64),
        ),
      );
    assert.equal(sealed(one.store).intersection(sealed(two.store)).size, 0);
    const first = await readHeader(one.store, { wrappingKey });
    const second = await readHeader(two.store, { wrappingKey });
    const block = Buffer.alloc(blockBytes, 'the same');
    assert.notDeepEqual(first.idOf(block), second.idOf(block));
  });
});

describe('a decoder', () => {
  it('answers corrupt, and nothing else, to any bytes', () => {
    const decoders = [
      (bytes: Uint8Array) => decodeIndex(bytes, 'an index').length,
      (bytes: Uint8Array) => [...entriesOf(bytes, 'a directory')].length,
      (bytes: Uint8Array) => decodeTrailer(bytes, 'a trailer'),
    ];
    const any = fc.uint8Array({ maxLength: 300 });
    // Kinds and lengths that make sense at first, so that decoding gets further.
    const likely = fc
      .array(fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.nat(255)), { maxLength: 300 })
      .map((bytes) => Uint8Array.from(bytes));
    const property = fc.property(fc.oneof(any, likely), fc.nat(2), (bytes, which) => {
      try {
        decoders[which]?.(bytes);
      } catch (error) {
        assert.ok(isOperatingError(error, 'corrupt'));
      }
    });
    fc.assert(property, { seed, numRuns: 2000 });
  });
});

function code(expected: string): (error: unknown) => boolean {
  return (error) => isOperatingError(error) && error.code === expected;
}

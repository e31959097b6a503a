/**
 * Objects of every kind, mutated at random: by their bytes, as a medium does it, and below the
 * seal, as only a faulty writer with the key could. The reader ends with an operating error that
 * names the object, or reads what was written; it never throws anything else.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { type Random, seeded } from '../../demo/random.ts';
import { must } from '../base/assert.ts';
import { isOperatingError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { MemoryStore } from '../store/memory.ts';
import { readHeader } from './header.ts';
import { indexIdOf } from './index-format.ts';
import type { RepositoryKeys } from './keys.ts';
import { parseLeaseName } from './lease.ts';
import { Leases } from './leases.ts';
import { backupIdOf, type Manifest } from './manifest.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import { encodeTrailer, packIdOf, trailerBytes } from './pack-format.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { objectLabel, seal, unseal } from './seal.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(2);
const leases = { isGone: () => false };
const options = { wrappingKey, workers, leases, packBytes: 64 * 1024, packsPerIndex: 2 };
/** A process elsewhere. */
const other = { host: 'elsewhere', machine: 'another', pid: 4711, started: '1' };
after(() => workers.close());
const seed = Number(process.env['FIRN_TEST_SEED'] ?? Math.floor(performance.timeOrigin % 2 ** 31));
const rounds = Number(process.env['FIRN_TEST_ROUNDS'] ?? 12);
process.stdout.write(`# fuzz.test.ts: FIRN_TEST_SEED=${seed}\n`);

interface Sample {
  readonly objects: ReadonlyMap<string, Uint8Array>;
  readonly backups: readonly { manifest: Manifest; volume: ModelVolume }[];
  readonly keys: RepositoryKeys;
}

let made: Promise<Sample> | undefined;

function sampleOnce(): Promise<Sample> {
  made ??= makeSample();
  return made;
}

async function makeSample(): Promise<Sample> {
  const store = new MemoryStore('memory:test');
  await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, options);
  const volume = new ModelVolume(1100);
  for (let block = 0; block < 60; block += 1) volume.write(block * 16, 16, 100 + block * 50);
  const parent = await backUpModel(repository, volume);
  const before = volume.copy();
  for (let block = 0; block < 30; block += 3) volume.write(block * 16 + 3, 1, 90_000 + block * 50);
  volume.write(1050 * 16, 40, 70_000);
  const child = await backUpModel(repository, volume, { parent });
  const gone = new ModelVolume(30);
  for (let block = 0; block < 30; block += 1) gone.write(block * 16, 16, 200_000 + block * 50);
  await repository.deleteBackup((await backUpModel(repository, gone)).backupId);
  await repository.executePrune(await repository.planPrune());
  const keys = await readHeader(store, { wrappingKey });
  await repository.claimBackup(parent.backupId, newId());
  // Others are at work, and rely on maps.
  const leases = new Leases(store, keys, { owner: other });
  const { rootId, depth } = child.map;
  const roots = [{ rootId: Buffer.from(rootId, 'hex'), depth }];
  await leases.take('write', roots);
  await leases.take('read', roots);
  const objects = new Map(store.objects);
  await leases.close();
  await repository.close();
  const backups = [
    { manifest: parent, volume: before },
    { manifest: child, volume },
  ];
  return { objects, backups, keys };
}

/** By the beginning of their names: what comes of an object of this kind that is damaged. */
const kinds: Record<string, 'named' | 'named or read as it was' | 'nothing is lost'> = {
  // These are not sealed: when a day in one is another, everything is still read as it was.
  'repository.json': 'named or read as it was',
  'keys/': 'named or read as it was',
  'packs/': 'named',
  'indexes/': 'named',
  'backups/': 'named',
  'prunes/': 'named',
  // A lease that cannot be read counts until it expires; the name of a claim is all it says.
  'leases/': 'nothing is lost',
  'claims/': 'nothing is lost',
};

test('every kind of object of the format is among those that are damaged here', async () => {
  const page = await readFile(new URL('../../docs/formats/repository.md', import.meta.url), 'utf8');
  const [, table = ''] = page.split(/^## /m);
  const described = [...table.matchAll(/^\| `([a-z]+\/|[a-z]+\.json)[^`]*` \|/gm)].map(
    ([, kind]) => kind,
  );
  assert.deepEqual(new Set(described), new Set(Object.keys(kinds)));
  const { objects } = await sampleOnce();
  const kindOf = (name: string) => Object.keys(kinds).find((kind) => name.startsWith(kind));
  const sampled = new Set([...objects.keys()].map((name) => kindOf(name) ?? name));
  assert.deepEqual(sampled, new Set(Object.keys(kinds)));
});

/** Reads everything; answers what the reader said of it. */
async function readAll(store: MemoryStore, { backups }: Sample): Promise<string> {
  const said: string[] = [];
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!isOperatingError(error)) throw error;
      assert.ok(['corrupt', 'wrong_key', 'not_found', 'conflict'].includes(error.code), error.code);
      said.push(`${error.code}: ${error.message}`);
    }
  };
  await attempt(async () => {
    const repository = await openRepository(store, options);
    try {
      await attempt(async () => void said.push(await verified(repository)));
      for (const { manifest, volume } of backups) {
        await attempt(async () => {
          const found = await repository.readManifest(manifest.backupId);
          await assertRestores(repository, found, volume);
        });
      }
      await attempt(async () => void (await repository.planPrune()));
      await attempt(async () => void (await repository.space()));
    } finally {
      await repository.close();
    }
  });
  return said.join('\n');
}

async function verified(repository: Repository): Promise<string> {
  const { objects, backups } = await repository.verify('all', 'blocks');
  return JSON.stringify([objects, backups]);
}

function mutate(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  if (bytes.length === 0) return Buffer.alloc(1 + Math.floor(random() * 9000), 1);
  const copy = Uint8Array.from(bytes);
  const at = Math.floor(random() * copy.length);
  const how = Math.floor(random() * 6);
  if (how === 0) return copy.subarray(0, at);
  if (how === 1) return Buffer.concat([copy, copy.subarray(at)]);
  if (how === 2) return other;
  if (how === 3) copy.fill(255, at, at + 4);
  else if (how === 4) copy.fill(0, at, at + 8);
  else copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  return copy;
}

/** One of the objects whose names begin with `kind`, and the bytes of another. */
function choose(random: Random, { objects }: Sample, kind: string): [string, Uint8Array] {
  const names = [...objects.keys()].filter((name) => name.startsWith(kind));
  const name = must(names[Math.floor(random() * names.length)], `an object ${kind}`);
  const other = must(names[Math.floor(random() * names.length)], 'another');
  return [name, must(objects.get(other), other)];
}

function storeWith({ objects }: Sample, name: string, bytes: Uint8Array): MemoryStore {
  const store = new MemoryStore('memory:test');
  for (const [each, content] of objects) store.objects.set(each, content);
  store.objects.set(name, bytes);
  return store;
}

test('a mutated object is named, or read as it was', async () => {
  const random = seeded(seed);
  const sample = await sampleOnce();
  const sound = await readAll(storeWith(sample, 'x', Buffer.alloc(0)), sample);
  assert.equal(sound, '[[],[]]');
  for (let round = 0; round < rounds; round += 1) {
    for (const [kind, outcome] of Object.entries(kinds)) {
      const [name, other] = choose(random, sample, kind);
      const bytes = must(sample.objects.get(name), name);
      const mutated = mutate(random, bytes, other);
      if (Buffer.compare(mutated, bytes) === 0) continue;
      const said = await readAll(storeWith(sample, name, mutated), sample);
      // A header with another id, or a key object that is lost, has no other message.
      const isRead = /wrong_key|^\[\[\],\[\]\]$/.test(said);
      const isTold = outcome === 'nothing is lost' ? said === sound : said.includes(name);
      const isFine = isTold || (outcome === 'named or read as it was' && isRead);
      assert.ok(isFine, `round ${round}: ${name} is named in: ${said}`);
    }
  }
});

type SealedKind = 'directory' | 'index' | 'manifest' | 'prune' | 'lease';

/** Mutates what is below the seal. */
function mutateBelow(random: Random, { keys, objects }: Sample, name: string): Uint8Array {
  const bytes = must(objects.get(name), name);
  const limit = { subject: name, plainBytesMax: 2 ** 26 };
  const again = (kind: SealedKind, id: string): Uint8Array => {
    const label = objectLabel(kind, id);
    const sealed = kind === 'directory' ? sealedDirectory(bytes) : bytes;
    const plain = unseal(keys.objectKey(kind), label, sealed, limit);
    return seal(keys.objectKey(kind), label, mutate(random, plain, plain.subarray(1)));
  };
  const packId = packIdOf(name);
  if (packId !== undefined) {
    const directory = again('directory', packId);
    const blocks = bytes.subarray(0, bytes.length - trailerBytes - sealedDirectory(bytes).length);
    return Buffer.concat([blocks, directory, encodeTrailer(directory.length)]);
  }
  const indexId = indexIdOf(name);
  if (indexId !== undefined) return again('index', indexId);
  const backupId = backupIdOf(name);
  if (backupId !== undefined) return again('manifest', backupId);
  if (parseLeaseName(name) !== undefined) return again('lease', name);
  return again('prune', name.slice('prunes/'.length));
}

function sealedDirectory(pack: Uint8Array): Uint8Array {
  const end = pack.length - trailerBytes;
  return pack.subarray(end - Buffer.from(pack).readUInt32LE(end), end);
}

test('what a faulty writer sealed ends in an operating error', async () => {
  const random = seeded(seed + 1);
  const sample = await sampleOnce();
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of ['packs/', 'indexes/', 'backups/', 'prunes/', 'leases/']) {
      const [name] = choose(random, sample, kind);
      const mutated = mutateBelow(random, sample, name);
      const said = await readAll(storeWith(sample, name, mutated), sample);
      if (kind === 'leases/') assert.equal(said, '[[],[]]', 'others lose nothing by a lease');
    }
  }
});

function isObjectName(name: string): boolean {
  return name.split('/').every((part) => part !== '' && !/^\.\.?$/.test(part));
}

test('an object whose name is almost right is ignored, or named', async () => {
  const random = seeded(seed + 2);
  const sample = await sampleOnce();
  const letters = 'abcdef0123456789-./z';
  for (let round = 0; round < rounds / 4; round += 1) {
    for (const kind of Object.keys(kinds)) {
      const [name, bytes] = choose(random, sample, kind);
      const at = kind.length + Math.floor(random() * (name.length - kind.length));
      const letter = letters[Math.floor(random() * letters.length)] ?? 'a';
      const almost = `${name.slice(0, at)}${letter}${name.slice(at + 1)}`;
      if (sample.objects.has(almost) || !isObjectName(almost)) continue;
      const said = await readAll(storeWith(sample, almost, bytes), sample);
      assert.ok(said === '[[],[]]' || said.includes(almost), `${almost}: ${said}`);
    }
  }
});

test('a lease that cannot be read keeps its turn, and never more than it says', async () => {
  const random = seeded(seed + 3);
  const { objects, keys } = await sampleOnce();
  const names = [...objects.keys()].filter((name) => name.startsWith('leases/'));
  for (let round = 0; round < rounds * 4; round += 1) {
    const name = must(names[round % names.length], 'a lease');
    const bytes = must(objects.get(name), name);
    const store = new MemoryStore('memory:test');
    store.objects.set(name, mutate(random, bytes, randomBytes(1 + Math.floor(random() * 2 ** 16))));
    const seen = await new Leases(store, keys, { isGone: () => false }).others();
    assert.equal(seen.length, 1);
    assert.ok((seen[0]?.roots.length ?? 0) <= 1);
  }
});

/**
 * Objects of every kind, mutated at random: by their bytes, as a medium does it, and below the
 * seal, as only a faulty writer with the key could. The reader ends with an operating error that
 * names the object, or reads what was written; it never throws anything else.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { type Random, seeded } from '../../demo/random.ts';
import { must } from '../base/assert.ts';
import { isOperatingError } from '../base/errors.ts';
import { MemoryStore } from '../store/memory.ts';
import { readHeader } from './header.ts';
import { indexIdOf } from './index-format.ts';
import type { RepositoryKeys } from './keys.ts';
import { backupIdOf, type Manifest } from './manifest.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import { encodeTrailer, packIdOf, trailerBytes } from './pack-format.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { objectLabel, seal, unseal } from './seal.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(2);
const options = { wrappingKey, workers, packBytes: 64 * 1024, packsPerIndex: 2 };
after(() => workers.close());
const seed = Number(process.env['FIRN_TEST_SEED'] ?? Math.floor(performance.timeOrigin % 2 ** 31));
const rounds = Number(process.env['FIRN_TEST_ROUNDS'] ?? 12);
process.stdout.write(`# fuzz.test.ts: FIRN_TEST_SEED=${seed}\n`);

interface Sample {
  readonly objects: ReadonlyMap<string, Uint8Array>;
  readonly backups: readonly { manifest: Manifest; volume: ModelVolume }[];
  readonly keys: RepositoryKeys;
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
  const objects = new Map(store.objects);
  await repository.close();
  const backups = [
    { manifest: parent, volume: before },
    { manifest: child, volume },
  ];
  return { objects, backups, keys };
}

const kinds = ['repository.json', 'keys/', 'packs/', 'indexes/', 'backups/', 'prunes/'];

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
  const sample = await makeSample();
  assert.doesNotMatch(await readAll(storeWith(sample, 'x', Buffer.alloc(0)), sample), /corrupt/);
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of kinds) {
      const [name, other] = choose(random, sample, kind);
      const bytes = must(sample.objects.get(name), name);
      const mutated = mutate(random, bytes, other);
      if (Buffer.compare(mutated, bytes) === 0) continue;
      const said = await readAll(storeWith(sample, name, mutated), sample);
      // A header with another id, or a key object that is lost, has no other message. These two are
      // not sealed: when a day in one is another, everything is still read as it was.
      const isPlain = kind === 'repository.json' || kind === 'keys/';
      const isTold = said.includes(name) || (isPlain && /wrong_key|^\[\[\],\[\]\]$/.test(said));
      assert.ok(isTold, `round ${round}: ${name} is named in: ${said}`);
    }
  }
});

/** Mutates what is below the seal. */
function mutateBelow(random: Random, { keys, objects }: Sample, name: string): Uint8Array {
  const bytes = must(objects.get(name), name);
  const limit = { subject: name, plainBytesMax: 2 ** 26 };
  const again = (kind: 'directory' | 'index' | 'manifest' | 'prune', id: string): Uint8Array => {
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
  return again('prune', name.slice('prunes/'.length));
}

function sealedDirectory(pack: Uint8Array): Uint8Array {
  const end = pack.length - trailerBytes;
  return pack.subarray(end - Buffer.from(pack).readUInt32LE(end), end);
}

test('what a faulty writer sealed ends in an operating error', async () => {
  const random = seeded(seed + 1);
  const sample = await makeSample();
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of ['packs/', 'indexes/', 'backups/', 'prunes/']) {
      const [name] = choose(random, sample, kind);
      await readAll(storeWith(sample, name, mutateBelow(random, sample, name)), sample);
    }
  }
});

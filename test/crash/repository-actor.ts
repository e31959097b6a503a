/**
 * A process that works in a repository beside others, for `several-processes.test.ts`:
 *
 *     repository-actor.ts write FOLDER SEED    makes backups until it is told to stop, or killed
 *     repository-actor.ts prune FOLDER         prunes until it is told to stop, or killed
 *     repository-actor.ts same FOLDER SEED     at `back up` or `delete`, a line each, does so
 *
 * It is told to stop by the end of its standard input, and says in a line of JSON each what it did.
 */
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Random, seeded } from '../../demo/random.ts';
import { isOperatingError } from '../../src/base/errors.ts';
import { backUpModel, ModelVolume } from '../../src/repository/model-volume.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import {
  createRepository,
  openRepository,
  type Repository,
} from '../../src/repository/repository.ts';
import { openDirectoryRoot } from '../../src/store/directory.ts';

export const wrappingKey = Buffer.alloc(32, 7);

/** What an actor says. */
export type Said =
  | { readonly did: 'back up'; readonly backupId: string; readonly step: number }
  | { readonly did: 'delete'; readonly backupId: string }
  | { readonly did: 'prune'; readonly packsRemoved: number };

/** One writer's volume after each of its steps; the content of all writers is of few kinds. */
export class ActorVolume {
  readonly volume = new ModelVolume(200);
  readonly #random: Random;
  #step = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  advance(): number {
    for (let n = 0; n < 4; n += 1) {
      const block = Math.floor(this.#random() * 180);
      const kind = 1 + Math.floor(this.#random() * 6);
      this.volume.write(block * 16, 16 * 12, kind * 100_000);
    }
    this.#step += 1;
    return this.#step;
  }
}

export async function openShared(folder: string): Promise<Repository> {
  const root = openDirectoryRoot(folder);
  const store = await root.open('shared', { create: true });
  try {
    await createRepository(store, { wrappingKey });
  } catch (error) {
    if (!isOperatingError(error, 'exists')) throw error;
  }
  const small = { packBytes: 32 * 1024, packsPerIndex: 4, workers: 1 };
  return openRepository(store, { wrappingKey, ...small });
}

const stop = new AbortController();
const say = (said: Said): void => void process.stdout.write(`${JSON.stringify(said)}\n`);

async function write(repository: Repository, seed: number): Promise<void> {
  const actor = new ActorVolume(seed);
  const own: Manifest[] = [];
  while (!stop.signal.aborted) {
    const step = actor.advance();
    const parent = own.at(-1);
    const options = step % 5 === 0 || parent === undefined ? {} : { parent };
    const manifest = await backUpModel(repository, actor.volume, options);
    own.push(manifest);
    say({ did: 'back up', backupId: manifest.backupId, step });
    const oldest = own.length > 3 ? own.shift() : undefined;
    if (oldest === undefined) continue;
    say({ did: 'delete', backupId: oldest.backupId });
    await repository.deleteBackup(oldest.backupId);
  }
}

/** At `back up` or `delete`, a line each. */
async function sameAgain(repository: Repository, seed: number): Promise<void> {
  const actor = new ActorVolume(seed);
  const step = actor.advance();
  let last: Manifest | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'back up') {
      last = await backUpModel(repository, actor.volume);
      say({ did: 'back up', backupId: last.backupId, step });
    } else if (last !== undefined) {
      await repository.deleteBackup(last.backupId);
      say({ did: 'delete', backupId: last.backupId });
    }
  }
}

async function prune(repository: Repository): Promise<void> {
  while (!stop.signal.aborted) {
    try {
      const { packsRemoved } = await repository.executePrune(await repository.planPrune());
      say({ did: 'prune', packsRemoved });
    } catch (error) {
      // Another pruner has the turn, or has just had it.
      if (!isOperatingError(error, 'conflict')) throw error;
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , role = '', folder = '', seed = '0'] = process.argv;
  if (role !== 'same') process.stdin.resume().on('end', () => stop.abort());
  const repository = await openShared(folder);
  if (role === 'same') await sameAgain(repository, Number(seed));
  else if (role === 'write') await write(repository, Number(seed));
  else await prune(repository);
  await repository.close();
}

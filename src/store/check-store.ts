/** Tries on an operator's real store what Firn relies on, and how fast it is. */
import { randomBytes } from 'node:crypto';
import { formatBytes, MB, MiB } from '../base/bytes.ts';
import { monotonicMs } from '../base/clock.ts';
import { isOperatingError, messageOf, OperatingError } from '../base/errors.ts';
import { newHexId } from '../base/ids.ts';
import type { Store } from './store.ts';

/** One promise of the store. */
export interface StoreFinding {
  readonly check: string;
  /** Undefined: the promise is kept. */
  readonly problem: string | undefined;
  /** What was measured or noticed, for people. */
  readonly note: string;
}

/** As large as a pack. */
const objectBytes = 16 * MiB;
const smallReads = 16;

/**
 * Tries the promises of `Store` one after the other, in objects below `check/` that nothing else
 * uses, and removes these afterwards in any case. A promise that is broken is a finding, and so is
 * one that could not be tried; only the removal rejects, with what the store says.
 */
export async function* checkStore(store: Store): AsyncGenerator<StoreFinding> {
  const prefix = `check/${newHexId()}`;
  const scene = { store, prefix, name: `${prefix}/object`, content: randomBytes(objectBytes) };
  try {
    for (const [check, act] of Object.entries(checks)) yield await finding(check, act(scene));
  } finally {
    for await (const { name } of store.list(`${prefix}/`)) await store.remove(name);
  }
}

interface Scene {
  readonly store: Store;
  readonly prefix: string;
  readonly name: string;
  readonly content: Buffer;
}

type Check = (scene: Scene) => Promise<string>;

const checks: Readonly<Record<string, Check>> = {
  async 'an object is written'({ store, name, content }) {
    return rate(await timed(() => store.put(name, [content])));
  },

  async 'it is read back, byte for byte'({ store, name, content }) {
    let read: Uint8Array = Buffer.alloc(0);
    const ms = await timed(async () => {
      read = await store.get(name);
    });
    demand(content.equals(read), 'other bytes came back');
    return rate(ms);
  },

  async 'parts of it are read'({ store, name, content }) {
    const times: number[] = [];
    for (let n = 0; n < smallReads; n += 1) {
      const range = { offsetBytes: n * MiB + 13, lengthBytes: 4096 };
      const wanted = content.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes);
      times.push(
        await timed(async () => demand(wanted.equals(await store.get(name, { range })), 'not it')),
      );
    }
    times.sort((one, other) => one - other);
    return `${(times[smallReads / 2] ?? 0).toFixed(1)} ms for 4 KiB, median of ${smallReads}`;
  },

  async 'its size is told'({ store, name, content }) {
    demand((await store.sizeOf(name)) === content.length, 'another size is told');
    return formatBytes(content.length);
  },

  async 'it is listed at once'({ store, prefix, name, content }) {
    const listed: string[] = [];
    for await (const object of store.list(`${prefix}/`)) {
      listed.push(`${object.name} ${object.sizeBytes}`);
    }
    demand(listed.join() === `${name} ${content.length}`, `listed: ${listed.join() || 'nothing'}`);
    return '';
  },

  async 'what is not there is not found'({ store, prefix }) {
    const code = await codeOf(store.get(`${prefix}/missing`));
    demand(code === 'not_found', `the answer is ${code}`);
    demand((await store.sizeOf(`${prefix}/missing`)) === undefined, 'it has a size');
    return '';
  },

  async 'a name that is taken stays whole'({ store, name, content }) {
    const code = await codeOf(store.put(name, [content]));
    demand(code === 'exists' || code === undefined, `the answer is ${code}`);
    demand(content.equals(await store.get(name)), 'other bytes came back');
    return code === 'exists' ? 'a second writer is told' : 'a second writer is not told';
  },

  async 'it is removed, also twice'({ store, name }) {
    await store.remove(name);
    await store.remove(name);
    demand((await store.sizeOf(name)) === undefined, 'it is still there');
    return '';
  },

  async 'what is removed gives its space back'({ store }) {
    const how = await store.keepsRemoved?.();
    return how === undefined ? '' : `not at once: ${how}`;
  },
};

async function finding(check: string, outcome: Promise<string>): Promise<StoreFinding> {
  try {
    return { check, problem: undefined, note: await outcome };
  } catch (error) {
    if (!isOperatingError(error)) throw error;
    return { check, problem: messageOf(error), note: '' };
  }
}

function demand(isKept: boolean, problem: string): void {
  if (!isKept) throw new OperatingError('io', problem);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begin = monotonicMs();
  await work();
  return monotonicMs() - begin;
}

function rate(ms: number): string {
  return `${(objectBytes / MB / (ms / 1000)).toFixed(0)} MB/s`;
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (isOperatingError(error)) return error.code;
    throw error;
  }
}

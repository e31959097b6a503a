import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KiB, MiB } from '../base/bytes.ts';
import { isOperatingError } from '../base/errors.ts';
import { hugeBuffer } from '../base/page-memory.ts';
import { openDirectoryRoot } from './directory.ts';
import { LimitedStore, Pace } from './limit.ts';
import { must } from '../base/assert.ts';
import type { Draft, Store } from './store.ts';

interface Scene {
  readonly store: Store;
  /** What lies in the container. */
  readonly files: () => Promise<string[]>;
  readonly root: string;
}

async function startScene(t: TestContext): Promise<Scene> {
  const root = await mkdtemp(join(tmpdir(), 'firn-draft-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const store = await openDirectoryRoot(root).open('c', { create: true });
  return { store, root, files: () => readdir(join(root, 'c')) };
}

function begin(store: Store, name: string): Draft {
  return must(store.begin?.(name), 'a directory has drafts');
}

function content(lengthBytes: number): Buffer<ArrayBuffer> {
  return randomFillSync(hugeBuffer(lengthBytes));
}

/** Waits until the file is there that is written ahead, or the folder for it. */
async function startedFile({ files }: Scene): Promise<string> {
  for (;;) {
    const [found] = await files();
    if (found !== undefined) return found;
    await sleep(2);
  }
}

describe('a draft of a file', () => {
  it('is the whole object when it was put, whatever was said before', async (t) => {
    const scene = await startScene(t);
    const sizes = [0, 5, 2 * MiB, 2 * MiB + 1, 5 * MiB + 12 * KiB + 7];
    for (const [at, size] of sizes.entries()) {
      for (const step of [700 * KiB + 1, 2 * MiB, 3 * MiB]) {
        const name = `o${at}-${step}`;
        const bytes = content(size);
        const draft = begin(scene.store, name);
        for (let told = 0; told <= size; told += step) {
          draft.advance(bytes.subarray(0, told));
          if (told === step) await sleep(1);
        }
        const rest = Buffer.from('and the rest');
        await draft.put([bytes, rest]);
        assert.ok(Buffer.concat([bytes, rest]).equals(await scene.store.get(name)), name);
      }
    }
    assert.equal((await scene.files()).length, sizes.length * 3);
  });

  it('is begun before it is whole, and shown only then', async (t) => {
    const scene = await startScene(t);
    const bytes = content(4 * MiB);
    const draft = begin(scene.store, 'a');
    draft.advance(bytes.subarray(0, 3 * MiB));
    assert.match(await startedFile(scene), /^NEW-.*\.tmp$/);
    assert.deepEqual(await Array.fromAsync(scene.store.list('')), []);
    await assert.rejects(scene.store.get('a'), code('not_found'));
    await draft.put([bytes]);
    assert.deepEqual(await scene.files(), ['a']);
    assert.ok(bytes.equals(await scene.store.get('a')));
  });

  it('leaves nothing behind when it is given up, or its name is taken', async (t) => {
    const scene = await startScene(t);
    const bytes = content(3 * MiB);
    const given = begin(scene.store, 'a');
    given.advance(bytes);
    await given.discard();
    assert.deepEqual(await scene.files(), []);
    await scene.store.put('a', [Buffer.from('1')]);
    for (const toldBytes of [0, bytes.length]) {
      const taken = begin(scene.store, 'a');
      taken.advance(bytes.subarray(0, toldBytes));
      await assert.rejects(taken.put([bytes]), code('exists'));
      const stopped = begin(scene.store, 'b');
      stopped.advance(bytes.subarray(0, toldBytes));
      const signal = AbortSignal.abort();
      await assert.rejects(stopped.put([bytes], { signal }), code('aborted'));
      assert.deepEqual(await scene.files(), ['a']);
    }
    assert.equal((await scene.store.get('a')).toString(), '1');
  });

  it('is put although its file was swept, or could not be made', async (t) => {
    const scene = await startScene(t);
    const bytes = content(3 * MiB);
    const swept = begin(scene.store, 'a');
    swept.advance(bytes);
    await rm(join(scene.root, 'c', await startedFile(scene)));
    await swept.put([bytes]);
    assert.ok(bytes.equals(await scene.store.get('a')));
    const early = begin(scene.store, 'a/b');
    early.advance(bytes);
    await sleep(5);
    await rm(join(scene.root, 'c', 'a'));
    await early.put([bytes]);
    assert.ok(bytes.equals(await scene.store.get('a/b')));
  });

  it('says what is wrong when it is put', async (t) => {
    const scene = await startScene(t);
    const bytes = content(3 * MiB);
    const draft = begin(scene.store, 'p/a');
    draft.advance(bytes);
    await startedFile(scene);
    // It may still be making its file.
    await rm(scene.root, { recursive: true, maxRetries: 20 });
    await assert.rejects(draft.put([bytes]), code('unavailable'));
  });

  it('is none where uploads keep to a rate', async (t) => {
    const { store } = await startScene(t);
    const pace = new Pace({ bytesPerSecond: 1e9, now: () => 0, sleep: async () => {} });
    const limits = { upload: undefined, download: pace };
    assert.equal(new LimitedStore(store, { upload: pace, download: undefined }).begin, undefined);
    const bytes = Buffer.from('1');
    await begin(new LimitedStore(store, limits), 'a').put([bytes]);
    assert.ok(bytes.equals(await store.get('a')));
  });
});

function code(expected: string): (error: unknown) => boolean {
  return (error) => isOperatingError(error) && error.code === expected;
}

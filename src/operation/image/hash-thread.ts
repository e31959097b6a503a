/**
 * MD5 and SHA-512 of images on a thread of their own, so that no request waits for them. The thread
 * is started for the first image, shared by all that come meanwhile, and ends after the last one.
 */
import { Worker } from 'node:worker_threads';
import { must } from '../../base/assert.ts';
import type { Digests, HashAnswer, HashTask } from './hash-task.ts';

/** The hashes of one image; to be disposed of, whether its digests were asked for or not. */
export interface ImageHash extends Disposable {
  /** Resolves when the next chunk may come; one at a time. The chunk is copied at once. */
  update(chunk: Uint8Array): Promise<void>;
  digest(): Promise<Digests>;
}

interface Waiting {
  readonly resolve: (answer: HashAnswer) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  /** Images that are being hashed. */
  openCount: number;
}

let current: Thread | undefined;
let lastId = 0;

export function openImageHash(): ImageHash {
  const thread = (current ??= start());
  thread.openCount += 1;
  lastId += 1;
  const id = lastId;
  const ask = (task: HashTask): Promise<HashAnswer> =>
    new Promise((resolve, reject) => {
      if (thread !== current) {
        reject(ended());
        return;
      }
      thread.waiting.set(id, { resolve, reject });
      tell(thread, task);
    });
  return {
    update: async (chunk) => void (await ask({ id, kind: 'chunk', chunk })),
    digest: async () => must((await ask({ id, kind: 'digest' })).digests, 'the digests'),
    [Symbol.dispose]: () => close(thread, id),
  };
}

function close(thread: Thread, id: number): void {
  thread.openCount -= 1;
  thread.waiting.delete(id);
  if (thread !== current) return;
  tell(thread, { id, kind: 'drop' });
  if (thread.openCount > 0) return;
  current = undefined;
  tell(thread, { id, kind: 'end' });
}

function tell({ worker }: Thread, task: HashTask): void {
  if (task.kind !== 'chunk') {
    worker.postMessage(task, []);
    return;
  }
  // A chunk may be a small part of a large buffer, all of which would be copied with it.
  const chunk = new Uint8Array(task.chunk);
  worker.postMessage({ ...task, chunk }, [chunk.buffer]);
}

function start(): Thread {
  const worker = new Worker(new URL('./hash-worker.ts', import.meta.url));
  const thread: Thread = { worker, waiting: new Map(), openCount: 0 };
  worker.on('message', (answer: HashAnswer) => {
    thread.waiting.get(answer.id)?.resolve(answer);
    thread.waiting.delete(answer.id);
  });
  const fail = (error: unknown): void => {
    if (current === thread) current = undefined;
    for (const { reject } of thread.waiting.values()) reject(error);
    thread.waiting.clear();
  };
  worker.on('error', fail);
  worker.on('exit', () => fail(ended()));
  return thread;
}

function ended(): Error {
  return new Error('the thread that hashes images ended');
}

import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { assert, must } from '../base/assert.ts';
import type { RepositoryKeys } from './keys.ts';
import type { Slot } from './slot.ts';
import { endMessage, type TaskKind, type TaskMessage } from './task.ts';

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly tasks: Map<number, Waiting>;
}

/**
 * The threads that hash, seal and open blocks, for one repository or several; started when the
 * first task comes.
 */
export class WorkPool {
  readonly size: number;
  readonly #threads: Thread[] = [];
  #number = 0;
  #closed = false;

  constructor(size: number = availableParallelism()) {
    assert(Number.isSafeInteger(size) && size > 0, 'there is a thread');
    this.size = size;
  }

  /** Runs a task on a slot, which belongs to the thread until this resolves. */
  run(keys: RepositoryKeys, kind: TaskKind, slot: Slot, count = 0): Promise<void> {
    assert(!this.#closed, 'the pool is open');
    const thread = this.#thread();
    this.#number += 1;
    const { masterKey, repositoryId } = keys;
    const { memory } = slot;
    const number = this.#number;
    const message: TaskMessage = { number, kind, memory, count, masterKey, repositoryId };
    return new Promise((resolve, reject) => {
      thread.tasks.set(message.number, { resolve, reject });
      thread.worker.ref();
      thread.worker.postMessage(message, []);
    });
  }

  /**
   * Ends the threads, after what they were given. None is stopped from outside: one that is
   * stopped while it loads a native library takes the whole process with it.
   */
  async close(): Promise<void> {
    this.#closed = true;
    const ends = this.#threads.map(async ({ worker }) => {
      const ended = once(worker, 'exit');
      worker.ref();
      worker.postMessage(endMessage, []);
      await ended;
    });
    await Promise.all(ends);
  }

  /** The thread with the least to do. */
  #thread(): Thread {
    if (this.#threads.length < this.size) this.#threads.push(this.#start());
    const byLoad = this.#threads.toSorted((a, b) => a.tasks.size - b.tasks.size);
    return must(byLoad[0], 'thread');
  }

  #start(): Thread {
    // What a thread leaves behind lies outside its heap: a small one is collected as well.
    const resourceLimits = { maxYoungGenerationSizeMb: 4 };
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { resourceLimits });
    const thread: Thread = { worker, tasks: new Map() };
    worker.on('message', (number: number) => {
      must(thread.tasks.get(number), 'task').resolve();
      thread.tasks.delete(number);
      if (thread.tasks.size === 0) worker.unref();
    });
    const fail = (error: unknown): void => {
      const at = this.#threads.indexOf(thread);
      if (at !== -1) this.#threads.splice(at, 1);
      for (const { reject } of thread.tasks.values()) reject(error);
      thread.tasks.clear();
    };
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('a thread of the repository ended')));
    return thread;
  }
}

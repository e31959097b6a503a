import { must } from '../base/assert.ts';
import { type KernelQueue, queueCalls } from './kernel-queue.ts';
import { systemError } from './native.ts';
import { QueueWatch } from './queue-watch.ts';

/** Syncs at a time; more of them have threads to wait for. */
const slotCount = 16;

/**
 * Syncs of files that the kernel does by itself, as a lone client wants them who has a sync after
 * every write: each of the two ways to the thread pool and back costs a fifth of such a sync.
 */
export class QueuedSyncs {
  readonly #queue: KernelQueue;
  readonly #watch: QueueWatch;
  readonly #free = Array.from({ length: slotCount }, (_, slot) => slot);
  readonly #bySlot: ((result: number) => void)[] = [];

  constructor(queue: KernelQueue) {
    this.#queue = queue;
    this.#watch = new QueueWatch(queue, (slot, result) => this.#end(slot, result));
  }

  /** Syncs like fdatasync(2), and rejects like it; undefined where that cannot be begun. */
  begin(descriptor: number): Promise<void> | undefined {
    const slot = this.#free.pop();
    if (slot === undefined) return undefined;
    if (this.#queue.begin([{ slot, descriptor, operation: 'sync' }]) === 0) {
      this.#free.push(slot);
      return undefined;
    }
    this.#watch.noteBegun(1);
    return new Promise((resolve, reject) => {
      this.#bySlot[slot] = (result) => {
        if (result === 0) resolve();
        else reject(systemError('fdatasync', -result));
      };
    });
  }

  #end(slot: number, result: number): void {
    this.#free.push(slot);
    must(this.#bySlot[slot], 'a sync under way')(result);
  }
}

/** Of all files of the process; null where there are none. */
let shared: QueuedSyncs | null | undefined;

/** Undefined where the kernel has no queue for them. */
export function queuedSyncs(): QueuedSyncs | undefined {
  if (shared === undefined) {
    const queue = queueCalls?.open(slotCount);
    shared = queue === undefined ? null : new QueuedSyncs(queue);
  }
  return shared ?? undefined;
}

import { type Turning, eventLoop } from './cold-reads.ts';
import { type KernelQueue, type OnEnd, queueCalls } from './kernel-queue.ts';

/** How long the loop looks out for the end of requests before a thread does. */
const patienceMs = 1;

/**
 * Hears of what a queue has ended: in each turn the loop looks, and after a while without an end a
 * thread waits. Where a turn brings nothing, whoever waits for the processor has it first: the
 * kernel syncs a file on the processor that has asked for it.
 */
export class QueueWatch {
  readonly #queue: Pick<KernelQueue, 'reap' | 'wait'>;
  readonly #onEnd: OnEnd;
  readonly #loop: Turning;
  #underWay = 0;
  #isWatching = false;
  #lastMs = 0;

  constructor(queue: Pick<KernelQueue, 'reap' | 'wait'>, onEnd: OnEnd, loop: Turning = eventLoop) {
    this.#queue = queue;
    this.#onEnd = onEnd;
    this.#loop = loop;
  }

  /** So many requests have begun. */
  noteBegun(count: number): void {
    this.#underWay += count;
    this.#lastMs = this.#loop.now();
    this.#watch();
  }

  #watch(): void {
    if (this.#isWatching || this.#underWay === 0) return;
    this.#isWatching = true;
    this.#loop.soon(this.#look);
  }

  readonly #look = (): void => {
    const before = this.#underWay;
    this.#queue.reap(this.#onOne);
    if (this.#underWay === before) queueCalls?.giveWay();
    if (this.#underWay > 0 && this.#loop.now() - this.#lastMs > patienceMs) {
      void this.#wait();
      return;
    }
    this.#isWatching = false;
    this.#watch();
  };

  async #wait(): Promise<void> {
    await this.#queue.wait(this.#onOne);
    this.#isWatching = false;
    this.#watch();
  }

  readonly #onOne: OnEnd = (slot, result) => {
    this.#underWay -= 1;
    this.#lastMs = this.#loop.now();
    this.#onEnd(slot, result);
  };
}

import type { Layer } from '../layer/layer.ts';

interface Count {
  changes: number;
  readonly ended: PromiseWithResolvers<void>;
}

/** The changes under way in a volume, by the layer that was its head when each began. */
export class UnderWay {
  readonly #counts = new Map<Layer, Count>();

  begin(head: Layer): void {
    const count = this.#counts.get(head) ?? { changes: 0, ended: Promise.withResolvers<void>() };
    count.changes += 1;
    this.#counts.set(head, count);
  }

  end(head: Layer): void {
    const count = this.#counts.get(head);
    if (count === undefined) return;
    count.changes -= 1;
    if (count.changes > 0) return;
    this.#counts.delete(head);
    count.ended.resolve();
  }

  /** Resolves when no change is under way on a layer that is no head any more. */
  async ended(former: Layer): Promise<void> {
    await this.#counts.get(former)?.ended.promise;
  }
}

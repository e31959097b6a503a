import { must } from '../base/assert.ts';
import { idBytes } from './block.ts';

/**
 * The finished leaves of a map that is being written, as number and id: 36 bytes for each 64 MiB
 * that were written, whatever lies between them.
 */
export class LeafList {
  #numbers = new Uint32Array(64);
  #ids = new Uint8Array(64 * idBytes);
  count = 0;

  add(leafIndex: number, id: Uint8Array): void {
    if (this.count === this.#numbers.length) {
      const numbers = new Uint32Array(this.count * 2);
      const ids = new Uint8Array(this.count * 2 * idBytes);
      numbers.set(this.#numbers);
      ids.set(this.#ids);
      this.#numbers = numbers;
      this.#ids = ids;
    }
    this.#numbers[this.count] = leafIndex;
    this.#ids.set(id, this.count * idBytes);
    this.count += 1;
  }

  /** The leaves by their numbers. */
  *inOrder(): Generator<{ leafIndex: number; id: Uint8Array }> {
    const order = new Uint32Array(this.count).map((_, index) => index);
    const numbers = this.#numbers;
    order.sort((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0));
    for (const at of order) {
      const id = this.#ids.subarray(at * idBytes, (at + 1) * idBytes);
      yield { leafIndex: must(numbers[at], 'leaf'), id };
    }
  }
}

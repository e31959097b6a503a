/** The structures that system calls take, in words of 64 bits. */

/** What the upper half of a word counts in. */
export const upper = 2 ** 32;

/** Words of 64 bits, zeros, that stay where they are in memory: a short array would be moved. */
export function words(count: number): Uint32Array {
  return new Uint32Array(new ArrayBuffer(count * 8));
}

/** Processors that this runs on put the lower half first. */
export function put(target: Uint32Array, word: number, value: number): void {
  target[word * 2] = value >>> 0;
  target[word * 2 + 1] = Math.floor(value / upper);
}

export function take(source: Uint32Array, word: number): number {
  return (source[word * 2] ?? 0) + (source[word * 2 + 1] ?? 0) * upper;
}

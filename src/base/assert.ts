/**
 * Programmer errors. An assertion that fails stops the operation; it is never shown as a client's
 * mistake.
 */
export class AssertionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AssertionError';
  }
}

/** States a fact that holds unless the code is wrong. */
export function assert(condition: boolean, fact: string): asserts condition {
  if (!condition) throw new AssertionError(`does not hold: ${fact}`);
}

/** The value, which is there unless the code is wrong. */
export function must<T>(value: T | undefined | null, fact: string): T {
  if (value === undefined || value === null) throw new AssertionError(`is missing: ${fact}`);
  return value;
}

/** Marks a branch that the types rule out. */
export function unreachable(value: never): never {
  throw new AssertionError(`cannot be: ${String(value)}`);
}

/** States that `value` is a byte offset or length: a safe integer, zero or more. */
export function assertBytes(value: number, name: string): void {
  assert(Number.isSafeInteger(value) && value >= 0, `${name} is a whole number of bytes`);
}

import { OperatingError, errnoOf, isOperatingError, messageOf } from '../base/errors.ts';

const impossible = new Set(['EOPNOTSUPP', 'ENOTSUP', 'ENOSYS']);

/**
 * Whether the host takes space back out of the middle of files, and who is told when giving it back
 * fails: that loses nothing but the space.
 */
export class Holes {
  readonly report: (error: unknown) => void;
  #arePossible = true;

  constructor(report: (error: unknown) => void = () => undefined) {
    this.report = report;
  }

  /** False once the host has said that its files have no holes. */
  get arePossible(): boolean {
    return this.#arePossible;
  }

  /** Notes a failure. That there are no holes is said once. */
  failed(error: unknown): void {
    const errno = errnoOf(isOperatingError(error) ? error.cause : error);
    if (errno === undefined || !impossible.has(errno)) {
      this.report(error);
      return;
    }
    if (!this.#arePossible) return;
    this.#arePossible = false;
    this.report(
      new OperatingError(
        'io',
        'Freed space stays with its volumes until they write there again: the host cannot take ' +
          `it back out of the middle of a file (${messageOf(error)}).`,
        { cause: error },
      ),
    );
  }
}

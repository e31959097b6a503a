import { errnoOf, fromSystemError, messageOf, OperatingError } from '../base/errors.ts';

/** Says what a system error means for a person who looks after the store `url`. */
export function directoryError(error: unknown, url: string, doing: string): unknown {
  const errno = errnoOf(error);
  const because = { cause: error };
  switch (errno) {
    case 'ENOSPC':
      return new OperatingError('no_space', `the store ${url} is full`, because);
    case 'EDQUOT':
      return new OperatingError(
        'no_space',
        `the disk quota of the store ${url} is used up`,
        because,
      );
    case 'EROFS':
      return new OperatingError('read_only', `the store ${url} is mounted read-only`, because);
    case 'EACCES':
      return new OperatingError(
        'read_only',
        `the store ${url} does not let Firn ${doing} (EACCES): look at owner and mode`,
        because,
      );
    case 'EPERM':
      return new OperatingError(
        'read_only',
        `the store ${url} does not let Firn ${doing} (EPERM): look for the immutable or the ` +
          'append-only attribute with lsattr, and take it away with chattr -i -a',
        because,
      );
    case 'ESTALE':
    case 'ENOTCONN':
    case 'ENODEV':
    case 'ENXIO':
    case 'EHOSTDOWN':
    case 'ETIMEDOUT':
      return new OperatingError(
        'unavailable',
        `the store ${url} does not answer: ${messageOf(error)}`,
        because,
      );
    case undefined:
    default:
      return fromSystemError(error, `the store ${url} could not ${doing}`);
  }
}

/** The folder of a store is not there: most often a disk that is not mounted. */
export function goneError(url: string, cause?: unknown): OperatingError {
  return new OperatingError(
    'unavailable',
    `the folder of the store ${url} is gone: is it mounted?`,
    {
      cause,
    },
  );
}

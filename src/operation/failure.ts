import { errnoOf, isOperatingError, type ErrorCode } from '../base/errors.ts';

/** What failed, for errors whose own message may hold names that belong to this machine. */
const sentences: Partial<Record<ErrorCode, string>> = {
  no_space: 'There is no room left on the storage.',
  read_only: 'The storage refuses to be changed: it is read-only, or what it holds is locked.',
  not_found: 'Something that is needed is not there (any more).',
  io: 'The storage answered an I/O error.',
  unavailable: 'The storage does not answer.',
  denied: 'The storage does not let the service do it.',
  corrupt: 'Stored data was found to be damaged.',
  wrong_key: 'The key at hand does not open the repository.',
};

/** Longer texts are cut, as the API's fields hold no more. */
const textCharsMax = 255;

/** Why a job failed, for the person who owns its subject: never a path, never a stack. */
export function failureText(error: unknown, requestId: string): string {
  if (!isOperatingError(error)) {
    return `An internal error stopped it; the service's log has more under ${requestId}.`;
  }
  const sentence = sentences[error.code];
  const parts = comesFromSystem(error) ? [] : [error.message];
  return ended([...(sentence === undefined ? [] : [sentence]), ...parts].join(' '));
}

/** What can be followed by another sentence. */
function ended(text: string): string {
  const whole = /[.!?…]$/.test(text) ? text : `${text}.`;
  return whole.length <= textCharsMax ? whole : `${whole.slice(0, textCharsMax - 1)}…`;
}

function comesFromSystem(error: Error): boolean {
  let cause: unknown = error.cause;
  for (let depth = 0; depth < 16 && cause instanceof Error; depth += 1) {
    if (!isOperatingError(cause) && errnoOf(cause) !== undefined) return true;
    cause = cause.cause;
  }
  return false;
}

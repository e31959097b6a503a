/**
 * Operating errors: what can go wrong without anybody having made a programming mistake.
 *
 * The table is closed. Each protocol maps it in exactly one place (HTTP in `src/api/`, NBD in
 * `src/nbd/`), and a message is written for the person who reads it in a client. A programmer's
 * mistake is an assertion instead (`assert.ts`) and is never mapped to a client's fault.
 */

/** `retryable`: the same call may succeed later without anybody changing anything. */
export const errorTable = {
  /** What was asked for is malformed or not allowed by its own values; names the field. */
  invalid_input: { retryable: false },
  /** The subject is in a state in which the verb is not allowed. */
  invalid_state: { retryable: false },
  /** No credentials, wrong ones, or a token that has expired or was revoked. */
  unauthenticated: { retryable: false },
  /** The caller is known, and may not. */
  forbidden: { retryable: false },
  /** There is no such thing, or not for this caller. */
  not_found: { retryable: false },
  /** Something with this name or id is there already. */
  exists: { retryable: false },
  /** Somebody else changed the subject first. */
  conflict: { retryable: false },
  /** The subject is not as the request says that it must be. */
  precondition_failed: { retryable: false },
  /** A quota would be exceeded. */
  quota_exceeded: { retryable: false },
  /** A request body is larger than the limit. */
  body_too_large: { retryable: false },
  /** Somebody asks more often than he may. */
  rate_limited: { retryable: true },
  /** The microversion asked for is not served. */
  version_unsupported: { retryable: false },
  /** A part that is needed does not answer just now. */
  unavailable: { retryable: true },
  /** A part that is needed does not let Firn in: credentials, rights, region or clock are wrong. */
  denied: { retryable: false },
  /** The medium has no room, or its quota is used up. */
  no_space: { retryable: false },
  /** The medium refuses writes. */
  read_only: { retryable: false },
  /** The medium answered an I/O error. */
  io: { retryable: true },
  /** Data was read whose checksum, id or shape is wrong. */
  corrupt: { retryable: false },
  /** The key at hand does not open this repository. */
  wrong_key: { retryable: false },
  /** The work was told to stop. */
  aborted: { retryable: false },
} as const;

export type ErrorCode = keyof typeof errorTable;

export interface OperatingErrorOptions {
  readonly cause?: unknown;
  readonly field?: string;
  readonly retryAfterSeconds?: number;
}

/** An operating error: a code of the closed table, a message for a person, and what caused it. */
export class OperatingError extends Error {
  readonly code: ErrorCode;
  /** The field of a request that is at fault, in the words of the API. */
  readonly field: string | undefined;
  /** When it makes sense to ask again. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: OperatingErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'OperatingError';
    this.code = code;
    this.field = options.field;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }
}

/** True when `error` is an operating error, and of `code` if one is given. */
export function isOperatingError(error: unknown, code?: ErrorCode): error is OperatingError {
  return error instanceof OperatingError && (code === undefined || error.code === code);
}

/**
 * True when a medium that answers has said no: rights are missing, or what it holds is locked. The
 * same call does not succeed before somebody changes that.
 */
export function isRefusal(error: unknown): error is OperatingError {
  return isOperatingError(error, 'denied') || isOperatingError(error, 'read_only');
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The errno name (`ENOENT`, `ENOSPC` …) of a system error, if it has one. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

const errnoCodes: Record<string, ErrorCode> = {
  ENOENT: 'not_found',
  EEXIST: 'exists',
  ENOSPC: 'no_space',
  EDQUOT: 'no_space',
  EFBIG: 'no_space',
  EROFS: 'read_only',
  EACCES: 'read_only',
  EPERM: 'read_only',
};

/**
 * Turns a system error into an operating error that says what was being done; others pass as they
 * are.
 */
export function fromSystemError(error: unknown, doing: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || isOperatingError(error)) return error;
  return new OperatingError(errnoCodes[errno] ?? 'io', `${doing}: ${messageOf(error)}`, {
    cause: error,
  });
}

import { isOperatingError, type ErrorCode } from '../base/errors.ts';

/** The error values of the protocol; no others may be sent. */
export const errno = {
  EPERM: 1,
  EIO: 5,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ESHUTDOWN: 108,
} as const;

export type Errno = (typeof errno)[keyof typeof errno];

/** Why a request is answered with an error: the value on the wire and the sentence beside it. */
export interface Refusal {
  readonly errno: Errno;
  readonly message: string;
}

const errnoByCode: Partial<Record<ErrorCode, Refusal>> = {
  no_space: { errno: errno.ENOSPC, message: 'no space is left on the medium' },
  quota_exceeded: { errno: errno.ENOSPC, message: 'the quota is used up' },
  read_only: { errno: errno.EPERM, message: 'the device is read-only' },
  forbidden: { errno: errno.EPERM, message: 'not permitted' },
  invalid_input: { errno: errno.EINVAL, message: 'the request is invalid' },
  corrupt: { errno: errno.EIO, message: 'the stored data is damaged' },
  aborted: { errno: errno.ESHUTDOWN, message: 'the device is being shut down' },
};

const inputOutputError: Refusal = { errno: errno.EIO, message: 'input/output error' };

/**
 * The one place where what a device threw becomes an error of the protocol. The message is general:
 * what the error itself says may name folders of the host, which a guest has no business to know.
 */
export function refusalOf(error: unknown): Refusal {
  if (!isOperatingError(error)) return inputOutputError;
  return errnoByCode[error.code] ?? inputOutputError;
}

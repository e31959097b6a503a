import { type ErrorCode, isOperatingError, messageOf, OperatingError } from '../base/errors.ts';

/** An error as it crosses to another thread, where copying would lose its class and its fields. */
export interface PackedError {
  readonly message: string;
  readonly stack: string | undefined;
  /** Set for an operating error. */
  readonly operating: { readonly code: ErrorCode; readonly field: string | undefined } | undefined;
  /** What the system says of a failed call: `code`, `address`, `port` … */
  readonly details: Readonly<Record<string, string | number>>;
}

export function packError(error: unknown): PackedError {
  return {
    message: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
    operating: isOperatingError(error) ? { code: error.code, field: error.field } : undefined,
    details: detailsOf(error),
  };
}

/** The error again, with the stack of the thread that it comes from. */
export function unpackError({ message, stack, operating, details }: PackedError): Error {
  const error =
    operating === undefined
      ? Object.assign(new Error(message), details)
      : new OperatingError(
          operating.code,
          message,
          operating.field === undefined ? {} : { field: operating.field },
        );
  if (stack !== undefined) error.stack = stack;
  return error;
}

function detailsOf(error: unknown): Record<string, string | number> {
  const details: Record<string, string | number> = {};
  if (!(error instanceof Error)) return details;
  for (const [name, value] of Object.entries(error)) {
    if (typeof value === 'string' || typeof value === 'number') details[name] = value;
  }
  return details;
}

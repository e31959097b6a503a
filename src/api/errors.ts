/**
 * Errors as HTTP answers: the one place that maps operating errors, for every face.
 *
 * - An answer never holds a stack or a path of this machine. A message is shown only when somebody
 *   wrote it for a person: one made from an error of the system is replaced by a fixed sentence.
 * - What is no operating error is 500 and is logged whole, with the request's id.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OperatingError, errnoOf, isOperatingError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';

/** `hidden`: what is said instead of a message that is not for clients. */
const answers: Record<ErrorCode, { status: number; hidden: string }> = {
  invalid_input: { status: 400, hidden: 'The request is malformed.' },
  invalid_state: { status: 400, hidden: 'The state does not allow this.' },
  unauthenticated: {
    status: 401,
    hidden: 'The request you have made requires authentication.',
  },
  forbidden: { status: 403, hidden: 'You are not authorized to perform the requested action.' },
  not_found: { status: 404, hidden: 'The resource could not be found.' },
  exists: { status: 409, hidden: 'It exists already.' },
  conflict: { status: 409, hidden: 'Somebody else changed it first.' },
  precondition_failed: { status: 412, hidden: 'A precondition of the request does not hold.' },
  quota_exceeded: { status: 413, hidden: 'Quota exceeded.' },
  rate_limited: { status: 429, hidden: 'This request was rate-limited.' },
  body_too_large: { status: 413, hidden: 'Request is too large.' },
  version_unsupported: { status: 406, hidden: 'This version is not supported by the API.' },
  unavailable: { status: 503, hidden: 'A part of the service does not answer just now.' },
  denied: { status: 503, hidden: 'A part of the service does not let Firn in.' },
  no_space: { status: 507, hidden: 'The service has no room left on its storage.' },
  read_only: { status: 503, hidden: 'The storage of the service refuses writes.' },
  io: { status: 500, hidden: 'The storage of the service answered an error.' },
  corrupt: { status: 500, hidden: 'Stored data was found to be damaged.' },
  wrong_key: { status: 500, hidden: 'The key at hand does not open the repository.' },
  aborted: { status: 503, hidden: 'The service is shutting down.' },
};

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  406: 'Not Acceptable',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};

/** Block Storage names a fault by its status; what has no name of its own is a `computeFault`. */
const faultNames: Record<number, string> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  409: 'conflictingRequest',
  413: 'overLimit',
  429: 'overLimit',
  503: 'serviceUnavailable',
};

interface Answer {
  readonly status: number;
  readonly message: string;
}

const unexpected: Answer = {
  status: 500,
  message: 'The server has either erred or is incapable of performing the requested operation.',
};

/** True when an error of the system is somewhere behind `error`: its message may name paths. */
function comesFromSystem(error: unknown): boolean {
  let cause: unknown = error;
  for (let depth = 0; depth < 16 && cause instanceof Error; depth += 1) {
    if (!isOperatingError(cause) && /^E[A-Z0-9]+$/.test(errnoOf(cause) ?? '')) return true;
    cause = cause.cause;
  }
  return false;
}

function answerFor(error: unknown): Answer {
  if (!isOperatingError(error)) return unexpected;
  const { status, hidden } = answers[error.code];
  if (!comesFromSystem(error)) return { status, message: error.message };
  // A file that is missing or in the way on this machine is not what the client asked about.
  return status >= 500 ? { status, message: hidden } : unexpected;
}

/** Errors that Fastify itself raises become operating errors; all others pass as they are. */
function fromFramework(error: unknown): unknown {
  const code = errnoOf(error);
  if (code === undefined || !code.startsWith('FST_ERR_') || isOperatingError(error)) return error;
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500;
  if (status === 413) return new OperatingError('body_too_large', 'Request is too large.');
  if (status === 415) return new OperatingError('invalid_input', 'Unsupported Content-Type');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new OperatingError('invalid_input', 'Malformed request url');
  }
  return error;
}

/**
 * Block Storage names the fault; the token middleware in front of it, Identity and Firn's own API
 * answer an `error`. So does Image here: Glance's HTML shows in fewer clients than this shape.
 */
function bodyFor(path: string, { status, message }: Answer): object {
  if (/^\/volume(?=[/?]|$)/.test(path) && status !== 401) {
    return { [faultNames[status] ?? 'computeFault']: { code: status, message } };
  }
  return { error: { code: status, message, title: titles[status] ?? 'Error' } };
}

/** Sends any error as `request`'s face has it, and logs what is the service's own fault. */
export function sendError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  authUrl: string,
): FastifyReply {
  const error = fromFramework(thrown);
  const answer = answerFor(error);
  if (answer.status >= 500) request.log.error({ err: error }, 'request failed');
  if (answer.status === 413 || answer.status === 429) {
    const seconds = isOperatingError(error) ? error.retryAfterSeconds : undefined;
    reply.header('retry-after', String(seconds ?? 0));
  }
  if (answer.status === 401) {
    reply.header('www-authenticate', `Keystone uri="${authUrl}"`);
  }
  return reply.code(answer.status).type('application/json').send(bodyFor(request.url, answer));
}

/** The error for a path and method that nobody serves. */
export function noSuchRoute(): OperatingError {
  return new OperatingError('not_found', 'The resource could not be found.');
}

/** One HTTP exchange of JSON; whatever goes wrong is an operating error with the server's words. */
import { OperatingError, errnoOf, isOperatingError, messageOf } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';

/** How long one answer may take; jobs run on after it. */
const timeoutMs = 120_000;

export interface Answer {
  readonly body: unknown;
  readonly headers: Headers;
}

/** Sends a request and reads the answer. */
export async function exchange(options: {
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal;
}): Promise<Answer> {
  const { method, url, body } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal =
    options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      headers,
      redirect: 'error',
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (error) {
    throw options.signal?.aborted === true
      ? new OperatingError('aborted', 'The request was told to stop', { cause: error })
      : noAnswer(url, error);
  }
  const parsed = parseText(text);
  if (!response.ok) throw errorOf(response.status, parsed, url);
  return { body: parsed, headers: response.headers };
}

function noAnswer(url: string, error: unknown): OperatingError {
  const { origin } = new URL(url);
  const cause = error instanceof Error ? error.cause : undefined;
  const errno = errnoOf(cause) ?? '';
  const untrusted = /CERT|VERIFY_LEAF/.test(errno);
  const reason = errno === 'ECONNREFUSED' ? 'connection refused' : messageOf(cause ?? error);
  if (untrusted) {
    return new OperatingError(
      'unavailable',
      `the certificate of ${origin} is not to be trusted (${reason}): OS_CACERT, or cacert in a ` +
        'clouds.yaml, names a file with the certificate of an authority of your own',
      { cause: error },
    );
  }
  return new OperatingError('unavailable', `${origin} does not answer: ${reason}`, {
    cause: error,
  });
}

/** The JSON value, or undefined for what is none: a proxy's page, an empty answer. */
function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const codes: Record<number, ErrorCode> = {
  400: 'invalid_input',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  406: 'version_unsupported',
  409: 'conflict',
  413: 'quota_exceeded',
  507: 'no_space',
};

function errorOf(status: number, body: unknown, url: string): OperatingError {
  const code = codes[status] ?? (status >= 500 ? 'unavailable' : 'invalid_input');
  const message = messageIn(body) ?? `${new URL(url).origin} answered with HTTP status ${status}`;
  return new OperatingError(code, message);
}

/** The `message` within the one fault of an answer, in whatever face's shape. */
function messageIn(body: unknown): string | undefined {
  if (!isJsonObject(body)) return undefined;
  for (const fault of Object.values(body)) {
    if (isJsonObject(fault) && typeof fault['message'] === 'string') return fault['message'];
  }
  return undefined;
}

/** True when the token of a request was not (or no longer) good. */
export function isUnauthenticated(error: unknown): boolean {
  return isOperatingError(error, 'unauthenticated');
}

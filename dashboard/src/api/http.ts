/**
 * Requests to the server that the page came from. The session is a cookie that no script can read;
 * the header `X-Firn-Request` shows that a request that changes something comes from this page.
 */

/** What the API answered when it refused or failed, in its own words. */
export class ApiError extends Error {
  readonly status: number;
  readonly requestId: string | null;

  constructor(status: number, message: string, requestId: string | null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.requestId = requestId;
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('Firn does not answer.', { cause });
    this.name = 'Unreachable';
  }
}

/** Microversion of Block Storage that the answers' types are of. */
const microversion = 'volume 3.71';

export type QueryValues = Readonly<Record<string, string | number | boolean | undefined>>;

interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  readonly query?: QueryValues;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

function addressOf(path: string, query: QueryValues = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  const { method = 'GET', query, body, signal } = options;
  const headers: Record<string, string> = { accept: 'application/json' };
  if (path.startsWith('/volume/')) headers['openstack-api-version'] = microversion;
  if (method !== 'GET') headers['x-firn-request'] = '1';
  if (body !== undefined) headers['content-type'] = 'application/json';
  try {
    return await fetch(addressOf(path, query), {
      method,
      headers,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Unreachable(error);
  }
}

/** The message in any of the shapes of the faces: `{error: {message}}`, `{badRequest: {…}}`. */
function messageIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  for (const fault of Object.values(body)) {
    if (typeof fault === 'object' && fault !== null && 'message' in fault) {
      return String(fault.message);
    }
  }
  return undefined;
}

async function bodyOf(reply: Response): Promise<unknown> {
  const text = await reply.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The answer's body. Rejects with `ApiError` or `Unreachable`. */
export async function ask<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const reply = await send(path, options);
  const body = await bodyOf(reply);
  if (reply.ok) return body as T;
  const requestId = reply.headers.get('x-openstack-request-id');
  const message = messageIn(body) ?? `${reply.status} ${reply.statusText}`;
  throw new ApiError(reply.status, message, requestId);
}

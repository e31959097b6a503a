/** A server to test the client with: logs in whose password is `right`, and plays answers. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { assert } from '../base/assert.ts';
import type { Cloud } from './cloud.ts';

export interface ScriptedRequest {
  readonly method: string;
  /** With the query, without what stands before the resource: `/volumes/detail?limit=5`. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** What is sent: with status 200 unless `status` is there; undefined is 404. */
export type Play = (request: ScriptedRequest) => { status?: number; body?: unknown } | undefined;

export interface ScriptedServer {
  readonly url: string;
  readonly cloud: Cloud;
  readonly requests: ScriptedRequest[];
  /** How many logins there were, good or bad. */
  readonly logins: () => number;
  /** From now on tokens that were given out are refused. */
  readonly expireTokens: () => void;
  readonly close: () => Promise<void>;
}

const refused = { error: { code: 401, title: 'Unauthorized', message: 'Who are you?' } };

export async function openScriptedServer(play: Play): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = [];
  const tokens = new Set<string>();
  let logins = 0;
  let url = '';

  function login(body: unknown): { status: number; token?: string; body: unknown } {
    logins += 1;
    if (!JSON.stringify(body).includes('"password":"right"')) return { status: 401, body: refused };
    const token = `token-${logins}`;
    tokens.add(token);
    const endpoints = [{ interface: 'public', url: `${url}/volume/v3/project` }];
    return { status: 201, token, body: { token: { catalog: [{ type: 'volumev3', endpoints }] } } };
  }

  function answer(request: ScriptedRequest): { status: number; token?: string; body: unknown } {
    if (request.path === '/identity/v3/auth/tokens') return login(request.body);
    if (!tokens.has(String(request.headers['x-auth-token']))) return { status: 401, body: refused };
    requests.push(request);
    const played = play(request);
    const missing = { itemNotFound: { code: 404, message: `No ${request.path}` } };
    if (played === undefined) return { status: 404, body: missing };
    return { status: played.status ?? 200, body: played.body };
  }

  async function respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const path = (incoming.url ?? '').replace(/^\/volume\/v3\/project/, '');
    const { method = '', headers } = incoming;
    const reply = answer({ method, path, headers, body: await readBody(incoming) });
    outgoing.statusCode = reply.status;
    if (reply.token !== undefined) outgoing.setHeader('x-subject-token', reply.token);
    const isText = typeof reply.body === 'string';
    outgoing.setHeader('content-type', isText ? 'text/html' : 'application/json');
    outgoing.end(isText ? reply.body : JSON.stringify(reply.body));
  }

  const server = createServer((incoming, outgoing) => void respond(incoming, outgoing));
  // A busy machine may keep a client for long from the connection that it has.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address !== null, 'a TCP server has an address');
  url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    cloud: {
      authUrl: `${url}/identity/v3`,
      user: { name: 'ann', domain: { id: 'default' } },
      password: 'right',
      project: { name: 'alpha', domain: { id: 'default' } },
    },
    requests,
    logins: () => logins,
    expireTokens: () => tokens.clear(),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readBody(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) if (chunk instanceof Buffer) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : JSON.parse(text);
}

/** A volume as Block Storage shows it, with what matters to a test. */
export function scriptedVolume(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    name: null,
    description: null,
    status: 'available',
    size: 1,
    volume_type: '__DEFAULT__',
    snapshot_id: null,
    source_volid: null,
    created_at: '2026-01-01T00:00:00.000000',
    metadata: {},
    attachments: [],
    ...fields,
  };
}

/** An HTTP proxy before a real server that remembers what is asked of it, and may disturb it. */
import { once } from 'node:events';
import { Agent, type ClientRequest, createServer, request as ask } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { assert } from '../../src/base/assert.ts';

/**
 * What goes wrong with a request. A status: it is answered so, and the server does not see it.
 * `reset`: the connection ends without an answer. `torn`: the same, and the server gets the half of
 * its body. `unheard`: the server does it, and the connection ends without an answer. `cut`: the
 * connection ends after half of the answer.
 */
export type Disturbance =
  | { readonly status: number; readonly body: string }
  | 'reset'
  | 'torn'
  | 'unheard'
  | 'cut';

export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  /** The header of that name. */
  readonly range: string | undefined;
}

/** Decides what goes wrong, if anything. */
export type Disturb = (request: ProxiedRequest) => Disturbance | undefined;

export interface CountingProxy {
  /** Where clients are to ask: `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** `METHOD path?query status` of every request that was answered, in the order of the answers. */
  readonly requests: string[];
  disturb: Disturb;
  /** Told of what the server has done, before whoever asked hears of it. */
  done: (request: ProxiedRequest) => void;
  stop(): Promise<void>;
}

/**
 * Starts it before `target`. A request goes on as it came, with its Host header, which signatures
 * cover and addresses in answers are made of.
 */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const agent = new Agent({ keepAlive: true });
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method = '', url: path = '', headers } = incoming;
    const asked = { method, path, range: headers.range };
    const wrong = proxy.disturb(asked);
    if (wrong === 'reset') return void incoming.socket.destroy();
    if (typeof wrong === 'object') return refuse(incoming, outgoing, wrong);
    const done = (status: number): void => {
      requests.push(`${method} ${path} ${status}`);
      proxy.done(asked);
    };
    pass(incoming, outgoing, { target: new URL(target), agent, wrong, done });
  }).listen(0, '127.0.0.1');
  // Only what a test disturbs ends a connection, not that a busy machine lets one rest for 5 s.
  server.keepAliveTimeout = 0;
  await once(server, 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address !== null, 'a TCP server has an address');
  const proxy: CountingProxy = {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    disturb: () => undefined,
    done: () => undefined,
    async stop() {
      server.closeAllConnections();
      server.close();
      agent.destroy();
      await once(server, 'close');
    },
  };
  return proxy;
}

function refuse(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, body }: { status: number; body: string },
): void {
  incoming.resume();
  incoming.once('end', () => {
    outgoing.writeHead(status, { 'content-type': 'application/xml' });
    outgoing.end(incoming.method === 'HEAD' ? '' : body);
  });
}

function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: {
    target: URL;
    agent: Agent;
    wrong: 'torn' | 'unheard' | 'cut' | undefined;
    done: (status: number) => void;
  },
): void {
  const { target, agent, wrong, done } = options;
  const { hostname, port } = target;
  const { method = '', url: path = '', headers } = incoming;
  const forwarded = ask({ hostname, port, method, path, headers, agent }, (answer) => {
    done(answer.statusCode ?? 0);
    if (wrong === 'unheard') {
      answer.resume();
      answer.once('end', () => outgoing.destroy());
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    if (wrong !== 'cut') {
      answer.pipe(outgoing);
      return;
    }
    answer.once('data', (part: Buffer) => {
      outgoing.write(part.subarray(0, part.length / 2), () => outgoing.destroy());
      answer.resume();
    });
    answer.once('end', () => outgoing.destroy());
  });
  forwarded.once('error', () => void outgoing.destroy());
  // One that breaks off is not to wait at the server for the rest.
  incoming.once('error', () => void forwarded.destroy());
  if (wrong === 'torn') return tear(incoming, forwarded);
  incoming.pipe(forwarded);
}

/** Passes half of a body on, and ends both connections. */
function tear(incoming: IncomingMessage, forwarded: ClientRequest): void {
  const wanted = Number(incoming.headers['content-length'] ?? 0) / 2;
  let passed = 0;
  const end = (): void => {
    forwarded.destroy();
    incoming.socket.destroy();
  };
  forwarded.flushHeaders();
  incoming.on('data', (part: Buffer) => {
    passed += part.length;
    if (passed < wanted) forwarded.write(part);
    else end();
  });
  incoming.once('end', end);
}

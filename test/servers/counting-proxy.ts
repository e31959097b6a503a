/** An HTTP proxy before a real server that remembers what is asked of it, and may disturb it. */
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request as ask } from 'node:http';
import type { ServerResponse } from 'node:http';
import { assert } from '../../src/base/assert.ts';

/**
 * What goes wrong with a request. A status: it is answered so, and the server does not see it.
 * `reset`: the connection ends without an answer. `unheard`: the server does it, and the connection
 * ends without an answer. `cut`: the connection ends after half of the answer.
 */
export type Disturbance =
  | { readonly status: number; readonly body: string }
  | 'reset'
  | 'unheard'
  | 'cut';

/** Decides what goes wrong, if anything. */
export type Disturb = (request: { method: string; path: string }) => Disturbance | undefined;

export interface CountingProxy {
  /** Where clients are to ask: `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** `METHOD path?query status` of every request that was answered, in the order of the answers. */
  readonly requests: string[];
  disturb: Disturb;
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
    const { method = '', url: path = '' } = incoming;
    const wrong = proxy.disturb({ method, path });
    if (wrong === 'reset') return void incoming.socket.destroy();
    if (typeof wrong === 'object') return refuse(incoming, outgoing, wrong);
    pass(incoming, outgoing, { target: new URL(target), agent, wrong, requests });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address !== null, 'a TCP server has an address');
  const proxy: CountingProxy = {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    disturb: () => undefined,
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
  options: { target: URL; agent: Agent; wrong: 'unheard' | 'cut' | undefined; requests: string[] },
): void {
  const { target, agent, wrong, requests } = options;
  const { hostname, port } = target;
  const { method = '', url: path = '', headers } = incoming;
  const forwarded = ask({ hostname, port, method, path, headers, agent }, (answer) => {
    requests.push(`${method} ${path} ${answer.statusCode ?? 0}`);
    if (wrong === 'unheard') {
      answer.resume();
      answer.once('end', () => outgoing.destroy());
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    if (wrong === undefined) {
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
  incoming.pipe(forwarded);
}

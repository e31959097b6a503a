/** An HTTP proxy before a real server that remembers what is asked of it. */
import { once } from 'node:events';
import { Agent, createServer, request as ask } from 'node:http';
import { assert } from '../../src/base/assert.ts';

export interface CountingProxy {
  /** Where clients are to ask: `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** `METHOD path?query status` of every request that was answered, in the order of the answers. */
  readonly requests: string[];
  stop(): Promise<void>;
}

/**
 * Starts it before `target`. A request goes on as it came, with its Host header, which signatures
 * cover and addresses in answers are made of.
 */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method = '', url: path = '', headers } = incoming;
    const forwarded = ask({ hostname, port, method, path, headers, agent }, (answer) => {
      requests.push(`${method} ${path} ${answer.statusCode ?? 0}`);
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.once('error', () => void outgoing.destroy());
    incoming.pipe(forwarded);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address !== null, 'a TCP server has an address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    async stop() {
      server.closeAllConnections();
      server.close();
      agent.destroy();
      await once(server, 'close');
    },
  };
}

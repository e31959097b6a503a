/** Cuts requests that trickle in. */
import { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

const wholeWithinMs = 60_000;

/**
 * A body must be there whole after a minute. On routes with `takesLong` in their configuration it
 * may take as long as it likes, but no minute may pass without a byte.
 */
export function cutSlowRequests(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw, headers, routeOptions }) => {
    const hasBody =
      headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    const { socket } = raw;
    if (!hasBody || !(socket instanceof Socket)) return;
    if (routeOptions.config.takesLong === true) {
      socket.setTimeout(wholeWithinMs);
      raw.once('end', () => socket.setTimeout(0));
      return;
    }
    const timer = setTimeout(() => raw.destroy(), wholeWithinMs).unref();
    raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  });
}

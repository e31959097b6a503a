/** What every answer tells browsers. No answer lets another site read it: CORS is off. */
import type { FastifyInstance } from 'fastify';

const headers: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

const yearSeconds = 365 * 24 * 3600;

export function secureHeaders(app: FastifyInstance, publicUrl: string): void {
  const isTls = publicUrl.startsWith('https:');
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers);
    if (isTls) reply.header('strict-transport-security', `max-age=${yearSeconds}`);
    // Tokens, secrets and who is who are kept by nobody on the way.
    if (request.url.startsWith('/identity/')) reply.header('cache-control', 'no-store');
  });
}

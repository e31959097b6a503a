import type { FastifyRequest } from 'fastify';

/** Where nobody is known before, and a secret is checked. */
const patterns = new Set([
  '/identity/v3/auth/tokens',
  '/firn/v1/session',
  '/identity/v3/users/:id/password',
]);

/** True for a request that proves who somebody is. */
export function isLogin(request: FastifyRequest): boolean {
  const { url } = request.routeOptions;
  return request.method === 'POST' && url !== undefined && patterns.has(url.replace(/\/$/, ''));
}

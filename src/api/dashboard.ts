/**
 * The pages of the dashboard, from the files that its build has made: the same origin as the APIs,
 * and nothing from elsewhere.
 *
 * - Files in `assets/` are named by what is in them: browsers keep them for ever. The pages
 *   themselves are asked for each time.
 * - The build has left every file compressed beside itself, too.
 * - Page scripts and styles come from files alone, which the Content-Security-Policy enforces.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { frontPage } from './front-page.ts';

export interface DashboardOptions {
  /** What the build has made; when it is not there, there are no pages. */
  readonly folder: string | undefined;
  readonly publicUrl: string;
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

const pageHeaders = {
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-cache',
};

/**
 * Each entry of the build, and the paths at which it is shown; which page that is decides its
 * script. No API answers at any of them.
 */
const entries: Readonly<Record<string, readonly string[]>> = {
  'index.html': ['/login', '/project/*', '/admin/*', '/identity/users', '/identity/projects'],
  'portal.html': ['/portal', '/portal/*'],
};

export async function dashboardPages(
  app: FastifyInstance,
  { folder = '', publicUrl }: DashboardOptions,
): Promise<void> {
  const built = Object.keys(entries).filter((file) => existsSync(join(folder, file)));
  if (built.length > 0) {
    await app.register(fastifyStatic, {
      root: join(folder, 'assets'),
      prefix: '/assets/',
      index: false,
      preCompressed: true,
      immutable: true,
      maxAge: '365d',
      setHeaders: (reply) => void reply.header('x-content-type-options', 'nosniff'),
    });
  }
  const sendPage = (reply: FastifyReply, file: string): FastifyReply =>
    reply.headers(pageHeaders).sendFile(file, folder, { cacheControl: false });
  for (const file of built) {
    for (const path of entries[file] ?? []) {
      app.get(path, async (_request, reply) => sendPage(reply, file));
    }
  }
  const showsPages = built.includes('index.html');
  app.get('/', async (request, reply) => {
    reply.header('vary', 'accept');
    const wantsPage = /\btext\/html\b/.test(request.headers.accept ?? '');
    if (showsPages && wantsPage) return sendPage(reply, 'index.html');
    return frontPage(publicUrl);
  });
}

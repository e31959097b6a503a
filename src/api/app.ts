/** The HTTP server: one port, whose faces are plugins with a prefix. */
import fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../base/clock.ts';
import { OperatingError } from '../base/errors.ts';
import type { AuditTrail } from '../operation/audit/audit-trail.ts';
import { noSuchRoute, sendError } from './errors.ts';
import { auditRequests } from './audit.ts';
import { answerClientError } from './client-error.ts';
import { dashboardPages } from './dashboard.ts';
import { parseJson } from './json-body.ts';
import { loggedUrl } from './log.ts';
import { defaultRateLimits, limitRates, type RateLimits } from './rate-limits.ts';
import { secureHeaders } from './security-headers.ts';
import { serverFactory, type ServerFactory } from './server-factory.ts';
import { cutSlowRequests } from './slow-requests.ts';
import { giveRequestIds, nameRequest, newRequestId } from './request.ts';

/** What Cinder takes by default. */
export const bodyBytesMaxDefault = 114_688;

export interface AppOptions {
  readonly log: Logger;
  /** How clients reach this port, without a slash at the end: `http://127.0.0.1:8776`. */
  readonly publicUrl: string;
  /** Where clients get tokens; default: Firn's own Identity. */
  readonly authUrl?: string;
  readonly bodyBytesMax?: number;
  /** Addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[];
  /** Default: in clear. */
  readonly server?: ServerFactory;
  readonly clock?: Clock;
  readonly limits?: RateLimits;
  /** Gets a line for every request that changes something. */
  readonly audit: Pick<AuditTrail, 'record'>;
  /** Where the built dashboard is, if it is there. */
  readonly dashboardFolder?: string;
  /** Rejects while the service cannot do its work; asked by `/readyz`. */
  readonly ready: () => Promise<void>;
  /** Registers the faces. */
  readonly register: (app: FastifyInstance) => void;
}

/**
 * The application, not listening yet. Requests that trickle in are cut: headers must be there after
 * 20 s, the whole request after 60 s (but the data of images), and idle connections close after
 * 75 s.
 */
export function buildApp(options: AppOptions): FastifyInstance {
  const log: FastifyBaseLogger = options.log;
  const authUrl = options.authUrl ?? `${options.publicUrl}/identity`;
  const app = fastify({
    loggerInstance: log,
    bodyLimit: options.bodyBytesMax ?? bodyBytesMaxDefault,
    genReqId: newRequestId,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    trustProxy: [...(options.trustedProxies ?? [])],
    serverFactory: (handler) => (options.server ?? serverFactory(undefined)).make(handler),
    // Names take the place of ids in paths: 255 characters of up to 12 bytes when encoded.
    routerOptions: { maxParamLength: 3_100, ignoreTrailingSlash: true },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      nameRequest(request, reply);
      void sendError(error, request, reply, authUrl);
    },
  });
  giveRequestIds(app);
  app.addHook('onRequest', async (request) => {
    // No id or name holds a NUL character, and PostgreSQL takes none even in a comparison.
    if (request.url.split('?', 1)[0]?.includes('%00') === true) throw noSuchRoute();
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, authUrl));
  app.setNotFoundHandler((request, reply) => sendError(noSuchRoute(), request, reply, authUrl));
  acceptJsonOnly(app);
  logRequests(app);
  auditRequests(app, options.audit);
  cutSlowRequests(app);
  secureHeaders(app, options.publicUrl);
  limitRates(app, options.clock ?? systemClock, options.limits ?? defaultRateLimits);
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async () => {
    await options.ready();
    return { status: 'ready' };
  });
  const { dashboardFolder: folder, publicUrl } = options;
  void app.register(dashboardPages, { folder, publicUrl });
  options.register(app);
  return app;
}

function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    /^application\/(?:[\w.-]+[+-])?json(?:-patch)?(?:\s*;|$)/,
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => parseJson(body),
  );
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => {
    if (body.length === 0) return undefined;
    throw new OperatingError('invalid_input', 'Unsupported Content-Type');
  });
}

/** One line a request. Headers and bodies are not in it, as they hold tokens and passwords. */
function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        url: loggedUrl(request.url),
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime * 10) / 10,
        remote: request.address,
        ...(request.tokenFacts === undefined ? {} : whoAsked(request.tokenFacts)),
      },
      'request',
    );
  });
}

function whoAsked(facts: { user: { id: string }; project: { id: string } | undefined }): object {
  return { userId: facts.user.id, projectId: facts.project?.id };
}

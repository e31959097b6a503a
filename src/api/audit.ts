/** Tells the audit trail of every request that changes something, or would have. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuditLine, AuditTrail } from '../operation/audit/audit-trail.ts';
import { isLogin } from './logins.ts';

const harmless = new Set(['GET', 'HEAD', 'OPTIONS']);

const pathCharsMax = 500;

/**
 * A line is durable before the answer is sent, but for logins, whose line follows within moments.
 * When it cannot be written the answer goes out all the same: the change has been made.
 */
export function auditRequests(app: FastifyInstance, trail: Pick<AuditTrail, 'record'>): void {
  const madeIds = new WeakMap<FastifyRequest, string>();

  app.addHook('preSerialization', async (request, _reply, payload) => {
    const id = request.method === 'POST' ? idIn(payload) : undefined;
    if (id !== undefined) madeIds.set(request, id);
    return payload;
  });

  app.addHook('onSend', async (request, reply) => {
    const pattern = request.routeOptions.url;
    if (harmless.has(request.method) || pattern === undefined) return;
    // All requests without a valid token change nothing.
    const login = isLogin(request);
    if (request.tokenFacts === undefined && !login) return;
    const line = lineOf(request, reply.statusCode, madeIds.get(request));
    const written = trail.record(line).catch((error: unknown) => {
      request.log.error({ err: error, line }, 'the audit trail could not be written');
    });
    if (!login) await written;
  });
}

/** The id of what an answer shows: side by side with other fields, or in an envelope. */
function idIn(payload: unknown): string | undefined {
  const shown = fieldsOf(payload);
  const id = shown['id'] ?? fieldsOf(Object.values(shown)[0])['id'];
  return typeof id === 'string' ? id : undefined;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function lineOf(
  request: FastifyRequest,
  statusCode: number,
  madeId: string | undefined,
): AuditLine {
  const { tokenFacts: facts, method, body } = request;
  const { kind, verb } = actionOf({ method, pattern: request.routeOptions.url ?? '', body });
  const { project_id: _scope, ...params } = fieldsOf(request.params);
  const [first] = Object.values(params);
  return {
    projectId: facts?.project?.id ?? '',
    requestId: request.requestId,
    userId: facts?.user.id ?? null,
    userName: facts?.user.name ?? null,
    address: request.address,
    path: (request.url.split('?', 1)[0] ?? '').slice(0, pathCharsMax),
    action: `${kind}.${verb}`,
    resourceType: kind,
    resourceId: typeof first === 'string' ? first.slice(0, 255) : (madeId ?? null),
    statusCode,
  };
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
};

/**
 * What a request does, in words: `PUT /volume/v3/:project_id/volumes/:id/metadata/:key` is
 * `metadata.update` of a `volume`; of `/action` it is the name of the action.
 */
export function actionOf(request: { method: string; pattern: string; body: unknown }): {
  kind: string;
  verb: string;
} {
  const [, , ...path] = request.pattern.split('/').filter((part) => part !== '');
  const words = path.filter((part) => !part.startsWith(':') && part !== 'auth').map(singular);
  const [kind = 'service', ...rest] = words;
  const last = rest.at(-1);
  if (last === 'action') {
    const name = Object.keys(fieldsOf(request.body))[0] ?? 'action';
    return { kind, verb: name.slice(0, 100) };
  }
  const verb = verbs[request.method] ?? request.method.toLowerCase();
  const isLast = last !== undefined && last === path.at(-1);
  const isVerb = isLast && (request.method === 'POST' || last === verb);
  const isCollection = last !== undefined && collections.has(last);
  return { kind, verb: [...rest, ...(isVerb && !isCollection ? [] : [verb])].join('.') };
}

/** Words at the end of a path that are things even though they are no plural. */
const collections = new Set(['metadata', 'encryption']);

function singular(word: string): string {
  return word.replace(/^os-/, '').replace(/ies$/, 'y').replace(/s$/, '');
}

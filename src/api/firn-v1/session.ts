/** The session of a browser, to be registered under `/firn/v1/session`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import type { Identity, Login, TokenFacts } from '../../identity/identity.ts';
import { authenticate } from '../authenticate.ts';
import { parseScopeRequest, parseTokenRequest } from '../identity-v3/token-request.ts';
import { tokenView, type TokenViewOptions } from '../identity-v3/token-view.ts';
import { clearSession, refuseForged, setSession } from '../session-cookie.ts';

/** A working day: nobody is logged out in the midst of it. */
export const sessionLifetimeMs = 12 * 60 * 60_000;

export interface SessionOptions extends TokenViewOptions {
  readonly identity: Identity;
  readonly clock: Clock;
}

export async function sessionRoutes(app: FastifyInstance, options: SessionOptions): Promise<void> {
  const { identity, clock, publicUrl } = options;
  const onRequest = authenticate({ identity, publicUrl, scope: 'any' });

  async function view(facts: TokenFacts): Promise<object> {
    return { session: (await tokenView(options, facts, { withCatalog: true })).token };
  }

  async function begin(
    request: FastifyRequest,
    reply: FastifyReply,
    { token, facts }: Login,
  ): Promise<object> {
    request.tokenFacts = facts;
    setSession(reply, { token, lifetimeMs: facts.expiresAt - clock.now(), publicUrl });
    return await view(facts);
  }

  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });

  app.post('/', async (request, reply) => {
    refuseForged(request, publicUrl);
    const { how, scope } = parseTokenRequest(request.body);
    const login = await identity.login(how, scope, { lifetimeMs: sessionLifetimeMs });
    reply.code(201);
    return await begin(request, reply, login);
  });

  app.get('/', { onRequest }, async (request) => view(request.tokenFacts));

  app.put('/', { onRequest }, async (request, reply) => {
    const scope = parseScopeRequest(request.body);
    const login = await identity.login({ method: 'token', token: request.token }, scope);
    return await begin(request, reply, login);
  });

  app.delete('/', { onRequest }, async (request, reply) => {
    await identity.revokeLogin(request.token);
    clearSession(reply, publicUrl);
    return reply.code(204).send();
  });
}

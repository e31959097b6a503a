import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OperatingError, isOperatingError } from '../../base/errors.ts';
import type { Identity, TokenFacts } from '../../identity/identity.ts';
import { authenticate, tokenIn } from '../authenticate.ts';
import { readQuery } from '../query.ts';
import { takes } from '../takes.ts';
import { authorizeIdentity, type IdentityAction } from './access.ts';
import { parseTokenRequest, TokenRequest } from './token-request.ts';
import { tokenView, type TokenViewOptions } from './token-view.ts';

/** `/auth/tokens`: get, look at and revoke tokens. */
export function tokenRoutes(
  app: FastifyInstance,
  options: TokenViewOptions & { identity: Identity },
): void {
  const { identity } = options;
  const onRequest = authenticate({ ...options, scope: 'any' });

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    facts: TokenFacts,
  ): Promise<object> {
    reply.header('vary', 'X-Auth-Token');
    return await tokenView(options, facts, { withCatalog: !('nocatalog' in readQuery(request)) });
  }

  /** The token that the request is about: the caller's user's own, or any for an admin. */
  async function subject(
    request: FastifyRequest,
    action: IdentityAction,
  ): Promise<{ token: string; facts: TokenFacts }> {
    const token = tokenIn(request, 'x-subject-token');
    if (token === undefined) throw noSuchToken();
    const facts = await identity.validate(token).catch((error: unknown) => {
      throw isOperatingError(error, 'unauthenticated') ? noSuchToken() : error;
    });
    try {
      authorizeIdentity(request.tokenFacts, action, facts.user.id === request.tokenFacts.user.id);
    } catch (error) {
      // Whether a token of somebody else's is good is nobody's business.
      throw isOperatingError(error, 'forbidden') ? noSuchToken() : error;
    }
    return { token, facts };
  }

  app.post('/auth/tokens', takes(TokenRequest), async (request, reply) => {
    const { how, scope } = parseTokenRequest(request.body);
    const { token, facts } = await identity.login(how, scope);
    request.tokenFacts = facts;
    reply.code(201).header('x-subject-token', token);
    return await answer(request, reply, facts);
  });

  app.get('/auth/tokens', { onRequest }, async (request, reply) => {
    const { token, facts } = await subject(request, 'identity:validate_token');
    reply.header('x-subject-token', token);
    return await answer(request, reply, facts);
  });

  app.delete('/auth/tokens', { onRequest }, async (request, reply) => {
    const { token } = await subject(request, 'identity:revoke_token');
    await identity.revoke(token);
    return reply.code(204).send();
  });
}

function noSuchToken(): OperatingError {
  return new OperatingError('not_found', 'Could not find token.');
}

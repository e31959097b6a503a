import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OperatingError, isOperatingError } from '../../base/errors.ts';
import type { Identity, TokenFacts } from '../../identity/identity.ts';
import { authenticate, tokenIn } from '../authenticate.ts';
import { readQuery } from '../query.ts';
import { hasRole } from './access.ts';
import { parseTokenRequest } from './token-request.ts';
import { tokenView } from './token-view.ts';

/** `/auth/tokens`: get, look at and revoke tokens. */
export function tokenRoutes(
  app: FastifyInstance,
  { identity, publicUrl }: { identity: Identity; publicUrl: string },
): void {
  const onRequest = authenticate({ identity, publicUrl, scope: 'any' });

  function answer(request: FastifyRequest, reply: FastifyReply, facts: TokenFacts): object {
    reply.header('vary', 'X-Auth-Token');
    return tokenView(facts, { publicUrl, withCatalog: !('nocatalog' in readQuery(request)) });
  }

  /** The token that the request is about: the caller's user's own, or any for an admin. */
  async function subject(request: FastifyRequest): Promise<{ token: string; facts: TokenFacts }> {
    const token = tokenIn(request, 'x-subject-token');
    if (token === undefined) throw noSuchToken();
    const facts = await identity.validate(token).catch((error: unknown) => {
      throw isOperatingError(error, 'unauthenticated') ? noSuchToken() : error;
    });
    const mine = facts.user.id === request.tokenFacts.user.id;
    if (!mine && !hasRole(request.tokenFacts, 'admin')) throw noSuchToken();
    return { token, facts };
  }

  app.post('/auth/tokens', async (request, reply) => {
    const { how, scope } = parseTokenRequest(request.body);
    const { token, facts } = await identity.login(how, scope);
    request.tokenFacts = facts;
    reply.code(201).header('x-subject-token', token);
    return answer(request, reply, facts);
  });

  app.get('/auth/tokens', { onRequest }, async (request, reply) => {
    const { token, facts } = await subject(request);
    reply.header('x-subject-token', token);
    return answer(request, reply, facts);
  });

  app.delete('/auth/tokens', { onRequest }, async (request, reply) => {
    const { token } = await subject(request);
    await identity.revoke(token);
    return reply.code(204).send();
  });
}

function noSuchToken(): OperatingError {
  return new OperatingError('not_found', 'Could not find token.');
}

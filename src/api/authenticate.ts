import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { OperatingError } from '../base/errors.ts';
import { callerOf } from '../identity/identity.ts';
import type { Identity } from '../identity/identity.ts';

/** More than any token of Firn or Keystone has; longer ones are not looked up. */
const tokenCharsMax = 4096;

export function unauthenticated(): OperatingError {
  return new OperatingError(
    'unauthenticated',
    'The request you have made requires authentication.',
  );
}

/** The token in a header, or undefined when it is missing or can be none. */
export function tokenIn(request: FastifyRequest, header: string): string | undefined {
  const value = request.headers[header];
  if (typeof value !== 'string' || value === '' || value.length > tokenCharsMax) return undefined;
  return value;
}

/**
 * A hook that lets only requests with a valid `X-Auth-Token` pass, and sets `request.tokenFacts`.
 * With scope `project` an unscoped token is forbidden, and `request.caller` is set.
 */
export function authenticate(options: {
  identity: Identity;
  scope: 'project' | 'any';
}): onRequestAsyncHookHandler {
  return async (request) => {
    const token = tokenIn(request, 'x-auth-token');
    if (token === undefined) throw unauthenticated();
    const facts = await options.identity.validate(token);
    request.tokenFacts = facts;
    request.token = token;
    const caller = callerOf(facts, request.requestId);
    if (caller !== undefined) request.caller = caller;
    else if (options.scope === 'project') {
      throw new OperatingError('forbidden', 'The token is not scoped to a project.');
    }
  };
}

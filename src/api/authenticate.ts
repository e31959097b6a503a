import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { OperatingError } from '../base/errors.ts';
import { callerOf } from '../identity/identity.ts';
import type { Identity, TokenFacts } from '../identity/identity.ts';
import { meetsAccessRules } from './access-rules.ts';
import { refuseForged, sessionToken } from './session-cookie.ts';

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
  return typeof value === 'string' ? asToken(value) : undefined;
}

function asToken(value: string): string | undefined {
  return value === '' || value.length > tokenCharsMax ? undefined : value;
}

/** The token that a request comes with: in the header, or in the cookie of its session. */
function tokenOf(request: FastifyRequest, publicUrl: string): string {
  const given = tokenIn(request, 'x-auth-token');
  if (given !== undefined) return given;
  const kept = asToken(sessionToken(request) ?? '');
  if (kept === undefined) throw unauthenticated();
  refuseForged(request, publicUrl);
  return kept;
}

/** Whoever has it speaks for users whose token has expired, as with Keystone's middleware. */
const serviceRole = 'service';

/**
 * Who asks, by the token. A service that works for a user sends its own beside it, in
 * `X-Service-Token`: it must be valid as well, and with the role `service` the user's may have
 * expired meanwhile.
 */
async function whoAsks(
  identity: Identity,
  token: string,
  request: FastifyRequest,
): Promise<TokenFacts> {
  if (request.headers['x-service-token'] === undefined) return await identity.validate(token);
  const serviceToken = tokenIn(request, 'x-service-token');
  if (serviceToken === undefined) throw unauthenticated();
  const { roles } = await identity.validate(serviceToken);
  const allowExpired = roles.some(({ name }) => name === serviceRole);
  return await identity.validate(token, { allowExpired });
}

/**
 * A hook that lets only requests with a valid `X-Auth-Token`, or with the cookie of a session,
 * pass, and sets `request.tokenFacts`. With scope `project` an unscoped token is forbidden, and
 * `request.caller` is set.
 */
export function authenticate(options: {
  identity: Identity;
  publicUrl: string;
  scope: 'project' | 'any';
}): onRequestAsyncHookHandler {
  return async (request) => {
    const token = tokenOf(request, options.publicUrl);
    const facts = await whoAsks(options.identity, token, request);
    const [path = ''] = request.url.split('?', 1);
    if (!meetsAccessRules(facts, request.method, path)) throw unauthenticated();
    request.tokenFacts = facts;
    request.token = token;
    const caller = callerOf(facts, request.requestId);
    if (caller !== undefined) request.caller = caller;
    else if (options.scope === 'project') {
      throw new OperatingError('forbidden', 'The token is not scoped to a project.');
    }
  };
}

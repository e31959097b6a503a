import { Type } from 'typebox';
import type { Static } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import type {
  DomainReference as DomainReferenceTo,
  LoginMethod,
  LoginScope,
  Reference,
} from '../../identity/identity.ts';
import { unauthenticated } from '../authenticate.ts';
import { findFault, parseBody } from '../body.ts';

const Text = Type.String({ maxLength: 255 });
const Secret = Type.String({ maxLength: 4096 });

const DomainReference = Type.Object({ id: Type.Optional(Text), name: Type.Optional(Text) });

const ScopedReference = Type.Object({
  id: Type.Optional(Text),
  name: Type.Optional(Text),
  domain: Type.Optional(DomainReference),
});

const Scope = Type.Union([
  Type.Literal('unscoped'),
  Type.Object({
    project: Type.Optional(ScopedReference),
    domain: Type.Optional(DomainReference),
    system: Type.Optional(Type.Object({ all: Type.Optional(Type.Boolean()) })),
    unscoped: Type.Optional(Type.Unknown()),
  }),
]);

const ScopeRequest = Type.Object({ scope: Scope });

export const TokenRequest = Type.Object({
  auth: Type.Object({
    identity: Type.Object({
      methods: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 8 }),
      password: Type.Optional(
        Type.Object({
          user: Type.Object({
            id: Type.Optional(Text),
            name: Type.Optional(Text),
            domain: Type.Optional(DomainReference),
            password: Secret,
          }),
        }),
      ),
      token: Type.Optional(Type.Object({ id: Secret })),
      application_credential: Type.Optional(
        Type.Object({
          id: Type.Optional(Text),
          name: Type.Optional(Text),
          user: Type.Optional(ScopedReference),
          secret: Secret,
        }),
      ),
    }),
    scope: Type.Optional(Scope),
  }),
});

type Auth = Static<typeof TokenRequest>['auth'];

/**
 * What `POST /auth/tokens` asks for. Rejects with `invalid_input` a malformed body, whose values
 * are not repeated since they may be passwords; with `unauthenticated` methods and scopes that
 * nobody here can have.
 */
export function parseTokenRequest(body: unknown): { how: LoginMethod; scope: LoginScope } {
  const fault = findFault(TokenRequest, body);
  if (fault !== undefined) {
    throw malformed(`Expecting to find valid values in '${fault.path.join('/') || 'auth'}'.`);
  }
  const { auth } = body as Static<typeof TokenRequest>;
  return { how: methodOf(auth.identity), scope: scopeOf(auth.scope) };
}

/** The scope alone: what a session changes to. */
export function parseScopeRequest(body: unknown): LoginScope {
  return scopeOf(parseBody(ScopeRequest, body).scope);
}

function malformed(sentence: string): OperatingError {
  return new OperatingError(
    'invalid_input',
    `${sentence} The server could not comply with the request since it is either malformed or ` +
      'otherwise incorrect. The client is assumed to be in error.',
  );
}

function methodOf(identity: Auth['identity']): LoginMethod {
  const [method, ...others] = identity.methods;
  if (others.length > 0) throw unauthenticated();
  switch (method) {
    case 'password': {
      const user = identity.password?.user;
      if (user === undefined) throw malformed("Expecting to find password in 'auth/identity'.");
      return { method, user: referenceTo('user', user), password: user.password };
    }
    case 'token':
      if (identity.token === undefined) {
        throw malformed("Expecting to find token in 'auth/identity'.");
      }
      return { method, token: identity.token.id };
    case 'application_credential': {
      const given = identity.application_credential;
      if (given === undefined) {
        throw malformed("Expecting to find application_credential in 'auth/identity'.");
      }
      return { method, credential: credentialOf(given), secret: given.secret };
    }
    case undefined:
    default:
      throw unauthenticated();
  }
}

function scopeOf(scope: Auth['scope']): LoginScope {
  if (scope === undefined) return 'default';
  if (scope === 'unscoped' || scope.unscoped !== undefined) return 'unscoped';
  if (scope.project !== undefined) return { project: referenceTo('project', scope.project) };
  if (scope.domain !== undefined) return { domain: domainOf(scope.domain) };
  if (scope.system?.all === true) return 'system';
  throw malformed("Expecting to find project, domain or system in 'auth/scope'.");
}

function credentialOf(
  given: NonNullable<Auth['identity']['application_credential']>,
): Extract<LoginMethod, { method: 'application_credential' }>['credential'] {
  if (given.id !== undefined) return { id: given.id };
  if (given.name !== undefined && given.user !== undefined) {
    return { name: given.name, user: referenceTo('user', given.user) };
  }
  throw malformed("Expecting to find id, or name and user, in 'application_credential'.");
}

function domainOf({ id, name }: Static<typeof DomainReference>): DomainReferenceTo {
  if (id !== undefined) return { id };
  if (name !== undefined) return { name };
  throw malformed('Expecting to find id or name in domain.');
}

function referenceTo(what: string, given: Static<typeof ScopedReference>): Reference {
  const { id, name, domain } = given;
  if (id !== undefined) return { id };
  if (name === undefined) throw malformed(`Expecting to find id or name in ${what}.`);
  if (domain === undefined) throw malformed(`Expecting to find domain in ${what}.`);
  return { name, domain: domainOf(domain) };
}

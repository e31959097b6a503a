/** What is asked of Keystone at `POST /auth/tokens`. */
import { unreachable } from '../base/assert.ts';
import type { JsonObject } from '../base/json.ts';
import type { DomainReference, LoginMethod, LoginScope, Reference } from './identity.ts';

export function authBody(how: LoginMethod, scope: LoginScope): JsonObject {
  const identity = { methods: [how.method], [how.method]: proofOf(how) };
  const asked = scopeOf(scope);
  return { auth: asked === undefined ? { identity } : { identity, scope: asked } };
}

function proofOf(how: LoginMethod): JsonObject {
  switch (how.method) {
    case 'password':
      return { user: { ...referenceTo(how.user), password: how.password } };
    case 'token':
      return { id: how.token };
    case 'application_credential': {
      const { credential, secret } = how;
      if ('id' in credential) return { id: credential.id, secret };
      return { name: credential.name, user: referenceTo(credential.user), secret };
    }
    default:
      return unreachable(how);
  }
}

function scopeOf(scope: LoginScope): JsonObject | string | undefined {
  if (scope === 'default') return undefined;
  if (scope === 'unscoped') return 'unscoped';
  if (scope === 'system') return { system: { all: true } };
  if ('domain' in scope) return { domain: domainOf(scope.domain) };
  return { project: referenceTo(scope.project) };
}

function referenceTo(reference: Reference): JsonObject {
  if ('id' in reference) return { id: reference.id };
  return { name: reference.name, domain: domainOf(reference.domain) };
}

function domainOf(domain: DomainReference): JsonObject {
  return 'id' in domain ? { id: domain.id } : { name: domain.name };
}

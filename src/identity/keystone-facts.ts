/** What Keystone says of a token (api-ref of Keystone, "Show token details"), checked. */
import { OperatingError } from '../base/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.ts';
import type { AccessRule, ApplicationCredentialFacts, NamedId, TokenFacts } from './identity.ts';

const rolesMax = 1000;

/** Rejects with `unavailable` what is no token of Identity v3. */
export function factsOf(body: JsonValue): TokenFacts {
  const token = objectIn(isJsonObject(body) ? body : {}, 'token');
  const user = objectIn(token, 'user');
  const project = token['project'];
  const domain = token['domain'];
  const audit = textsIn(token, 'audit_ids');
  const services = token['catalog'];
  return {
    methods: textsIn(token, 'methods'),
    auditId: audit[0] ?? '',
    chainId: audit.at(-1) ?? '',
    issuedAt: timeIn(token, 'issued_at'),
    expiresAt: timeIn(token, 'expires_at'),
    user: { ...namedIn(user), domain: namedIn(objectIn(user, 'domain')) },
    project: isJsonObject(project)
      ? { ...namedIn(project), domain: namedIn(objectIn(project, 'domain')) }
      : undefined,
    domain: isJsonObject(domain) ? namedIn(domain) : undefined,
    system: isJsonObject(token['system']),
    roles: listIn(token, 'roles').slice(0, rolesMax).map(namedIn),
    applicationCredential: credentialIn(token['application_credential']),
    services: services ?? [],
  };
}

function credentialIn(value: JsonValue | undefined): ApplicationCredentialFacts | undefined {
  if (!isJsonObject(value)) return undefined;
  const rules = listIn(value, 'access_rules').map((rule): AccessRule => ({
    id: textIn(rule, 'id'),
    service: textIn(rule, 'service'),
    method: textIn(rule, 'method'),
    path: textIn(rule, 'path'),
  }));
  const unrestricted = value['restricted'] !== true;
  return { ...namedIn(value), unrestricted, accessRules: rules };
}

function malformed(field: string): OperatingError {
  return new OperatingError('unavailable', `Keystone's answer has no ${field} as it should.`);
}

function objectIn(object: JsonObject, field: string): JsonObject {
  const value = object[field];
  if (!isJsonObject(value)) throw malformed(field);
  return value;
}

function textIn(object: JsonObject, field: string): string {
  const value = object[field];
  if (typeof value !== 'string') throw malformed(field);
  return value;
}

function namedIn(object: JsonObject): NamedId {
  return { id: textIn(object, 'id'), name: textIn(object, 'name') };
}

/** Nothing, where there is no such list. */
function listIn(object: JsonObject, field: string): JsonObject[] {
  const value = object[field];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function textsIn(object: JsonObject, field: string): string[] {
  const value = object[field];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function timeIn(object: JsonObject, field: string): number {
  const ms = Date.parse(textIn(object, field));
  if (!Number.isFinite(ms)) throw malformed(field);
  return ms;
}

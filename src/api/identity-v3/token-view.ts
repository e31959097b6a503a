import { isoMicros } from '../../base/clock.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { TokenFacts } from '../../identity/identity.ts';
import { catalogFor, noServices, type StoredServices } from './service-catalog.ts';

export interface TokenViewOptions {
  readonly catalog: CatalogReader;
  /** Without a slash at the end. */
  readonly publicUrl: string;
}

/** The most services, and endpoints, that an administrator adds. */
const storedMax = 500;

/** What a token says, as `POST` and `GET /auth/tokens` answer it. */
export async function tokenView(
  options: TokenViewOptions,
  facts: TokenFacts,
  { withCatalog }: { withCatalog: boolean },
): Promise<{ token: object }> {
  const view = {
    methods: facts.methods,
    user: { ...facts.user, password_expires_at: null },
    audit_ids: [...new Set([facts.auditId, facts.chainId])],
    issued_at: `${isoMicros(facts.issuedAt)}Z`,
    expires_at: `${isoMicros(facts.expiresAt)}Z`,
    ...credentialView(facts),
  };
  const scope = scopeView(facts);
  if (scope === undefined) return { token: view };
  const scoped = { ...view, ...scope, roles: facts.roles };
  if (!withCatalog) return { token: scoped };
  return { token: { ...scoped, catalog: await catalogOf(options, facts) } };
}

/** The services that a token's holder can use. */
export async function catalogOf(
  { catalog, publicUrl }: TokenViewOptions,
  facts: TokenFacts,
): Promise<unknown> {
  if (facts.services !== undefined) return facts.services;
  if (scopeView(facts) === undefined) return [];
  return catalogFor(publicUrl, facts.project?.id, await storedServices(catalog));
}

async function storedServices(catalog: CatalogReader): Promise<StoredServices> {
  const services = await catalog.list('services', { where: {}, limit: storedMax });
  const endpoints = await catalog.list('endpoints', { where: {}, limit: storedMax });
  return services.length + endpoints.length === 0 ? noServices : { services, endpoints };
}

function scopeView({ project, domain, system }: TokenFacts): object | undefined {
  if (project !== undefined) return { project, is_domain: false };
  if (domain !== undefined) return { domain };
  return system ? { system: { all: true } } : undefined;
}

function credentialView({ applicationCredential: credential }: TokenFacts): object {
  if (credential === undefined) return {};
  const { id, name, unrestricted, accessRules } = credential;
  const rules = accessRules.length === 0 ? {} : { access_rules: accessRules };
  return { application_credential: { id, name, restricted: !unrestricted, ...rules } };
}

import { isoMicros } from '../../base/clock.ts';
import type { TokenFacts } from '../../identity/identity.ts';
import { catalogFor } from './service-catalog.ts';

/** What a token says, as `POST` and `GET /auth/tokens` answer it. */
export function tokenView(
  facts: TokenFacts,
  options: { publicUrl: string; withCatalog: boolean },
): { token: object } {
  const { project } = facts;
  const view = {
    methods: facts.methods,
    user: { ...facts.user, password_expires_at: null },
    audit_ids: [...new Set([facts.auditId, facts.chainId])],
    issued_at: `${isoMicros(facts.issuedAt)}Z`,
    expires_at: `${isoMicros(facts.expiresAt)}Z`,
  };
  if (project === undefined) return { token: view };
  const scoped = { ...view, is_domain: false, project, roles: facts.roles };
  if (!options.withCatalog) return { token: scoped };
  return { token: { ...scoped, catalog: catalogFor(options.publicUrl, project.id) } };
}

import type { Clock } from '../base/clock.ts';
import type { Catalog, CatalogReader } from '../catalog/catalog.ts';
import type { ApplicationCredentialRow } from '../catalog/identity-tables.ts';
import type { ApplicationCredentialFacts, LoginMethod } from './identity.ts';
import { verifyNothing } from './password.ts';
import { findUser } from './references.ts';
import { withImplied } from './roles.ts';
import { type Standing, standingInProject } from './standing.ts';
import type { VerifiedSecrets } from './verified-secrets.ts';

type Named = Extract<LoginMethod, { method: 'application_credential' }>['credential'];

/** How many rules a credential may have, and so are looked up. */
export const accessRulesMax = 100;

/** Checks the secrets of application credentials, and says what they are good for. */
export class CredentialCheck {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #verified: VerifiedSecrets;

  constructor(catalog: Catalog, clock: Clock, verified: VerifiedSecrets) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#verified = verified;
  }

  /** The credential, when the secret is its own and it has not expired. */
  async check(named: Named, secret: string): Promise<ApplicationCredentialRow | undefined> {
    const row = await this.#named(named);
    if (row === undefined) {
      await verifyNothing(secret);
      return undefined;
    }
    return (await this.#verified.verify(secret, row.secretHash)) ? row : undefined;
  }

  /** A credential that has not expired. */
  async find(id: string): Promise<ApplicationCredentialRow | undefined> {
    return this.#living(await this.#catalog.find('applicationCredentials', { id }));
  }

  /** The user's standing in its project, with those of his roles that it has. */
  async standingOf(row: ApplicationCredentialRow): Promise<Standing | undefined> {
    const project = await this.#catalog.find('projects', { id: row.projectId });
    const standing = await standingInProject(this.#catalog, row.userId, project);
    if (standing === undefined) return undefined;
    const given = standing.roles.filter(({ id }) => row.roleIds.includes(id));
    const names = withImplied(given.map(({ name }) => name));
    const roles = standing.roles.filter(({ name }) => names.has(name));
    return roles.length === 0 ? undefined : { ...standing, roles };
  }

  async #named(named: Named): Promise<ApplicationCredentialRow | undefined> {
    if ('id' in named) return await this.find(named.id);
    const user = await findUser(this.#catalog, named.user);
    if (user === undefined) return undefined;
    const where = { userId: user.id, name: named.name };
    return this.#living(await this.#catalog.find('applicationCredentials', where));
  }

  #living(row: ApplicationCredentialRow | undefined): ApplicationCredentialRow | undefined {
    if (row === undefined || row.expiresAt === null) return row;
    return this.#clock.now() < row.expiresAt ? row : undefined;
  }
}

/** What tokens say of a credential. */
export async function credentialFacts(
  catalog: CatalogReader,
  row: ApplicationCredentialRow | undefined,
): Promise<ApplicationCredentialFacts | undefined> {
  if (row === undefined) return undefined;
  const { id, name, unrestricted, accessRules } = row;
  if (accessRules.length === 0) return { id, name, unrestricted, accessRules: [] };
  const rows = await catalog.list('accessRules', {
    where: { id: accessRules },
    limit: accessRulesMax,
  });
  const rules = rows.map(({ userId: _owner, ...rule }) => rule);
  // Rules that are gone must not open what they were to close.
  const nothing = { id: '', service: '', method: '', path: '' };
  return { id, name, unrestricted, accessRules: rules.length === 0 ? [nothing] : rules };
}

/** What the lists of the directory can be asked for. */
import type { SortKey } from '../../catalog/catalog.ts';
import { defaultDomainId } from '../../identity/bootstrap.ts';
import type { DirectoryNeeds } from '../../identity/directory/users.ts';
import type { TokenFacts } from '../../identity/identity.ts';
import { parseBool } from '../query.ts';
import type { Query } from '../query.ts';
import { rowsMax } from './resource.ts';

export interface DirectoryOptions extends DirectoryNeeds {
  readonly publicUrl: string;
}

/** One row more than is shown, so that it is known when a list was cut. */
export const limit = rowsMax + 1;

export const byName: SortKey<'domains' | 'projects' | 'users' | 'userGroups' | 'roles'>[] = [
  { field: 'name', direction: 'asc' },
];

/** Where something new goes whose domain was not named: where the token is at home. */
export function domainIdOf({ project, domain, system, user }: TokenFacts): string {
  if (system) return defaultDomainId;
  return (project?.domain ?? domain ?? user.domain).id;
}

export const nameQueries = ['name', 'name__contains'] as const;

export function named(query: Query): { name?: string | { like: string } } {
  const { name, name__contains: part } = query;
  if (name !== undefined) return { name };
  return part === undefined ? {} : { name: { like: part } };
}

export function ofDomain(query: Query): { domainId?: string } {
  const domainId = query['domain_id'];
  return domainId === undefined ? {} : { domainId };
}

export function enabled(query: Query): { enabled?: boolean } {
  return query['enabled'] === undefined ? {} : { enabled: parseBool(query, 'enabled', true) };
}

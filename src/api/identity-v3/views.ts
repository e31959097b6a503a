/** Rows of the catalogue as Identity v3 shows them. */
import type {
  DomainRow,
  ProjectRow,
  RoleRow,
  UserGroupRow,
  UserRow,
} from '../../catalog/identity-tables.ts';

export function linksTo(publicUrl: string, path: string): { self: string } {
  return { self: `${publicUrl}/identity/v3/${path}` };
}

/** A list in its envelope. Keystone has one page and says so when it was cut. */
export function collection(
  publicUrl: string,
  name: string,
  items: readonly object[],
  limit: number,
): object {
  const shown = items.slice(0, limit);
  return {
    [name]: shown,
    links: { self: `${publicUrl}/identity/v3/${name}`, previous: null, next: null },
    ...(items.length > limit ? { truncated: true } : {}),
  };
}

export function projectView(publicUrl: string, row: ProjectRow): object {
  return {
    ...row.extra,
    id: row.id,
    name: row.name,
    domain_id: row.domainId,
    parent_id: row.parentId ?? row.domainId,
    description: row.description,
    enabled: row.enabled,
    is_domain: false,
    tags: row.tags,
    options: {},
    links: linksTo(publicUrl, `projects/${row.id}`),
  };
}

export function userView(publicUrl: string, row: UserRow): object {
  return {
    options: {},
    ...row.extra,
    id: row.id,
    name: row.name,
    domain_id: row.domainId,
    enabled: row.enabled,
    password_expires_at: null,
    ...(row.defaultProjectId === null ? {} : { default_project_id: row.defaultProjectId }),
    links: linksTo(publicUrl, `users/${row.id}`),
  };
}

export function groupView(publicUrl: string, row: UserGroupRow): object {
  return {
    id: row.id,
    name: row.name,
    domain_id: row.domainId,
    description: row.description,
    links: linksTo(publicUrl, `groups/${row.id}`),
  };
}

export function roleView(publicUrl: string, row: RoleRow): object {
  return {
    id: row.id,
    name: row.name,
    domain_id: null,
    description: row.description,
    options: {},
    links: linksTo(publicUrl, `roles/${row.id}`),
  };
}

export function domainView(publicUrl: string, row: DomainRow): object {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    enabled: row.enabled,
    tags: [],
    options: {},
    links: linksTo(publicUrl, `domains/${row.id}`),
  };
}

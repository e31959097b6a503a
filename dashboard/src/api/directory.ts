/** Users, projects and roles of Identity, and the limits of projects. */
import { queryOptions } from '@tanstack/react-query';
import { ask } from './http.ts';

export interface User {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly domain_id: string;
  readonly default_project_id?: string | null;
  readonly description?: string;
}

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly domain_id: string;
}

export interface Role {
  readonly id: string;
  readonly name: string;
}

export interface Assignment {
  readonly user?: Role;
  readonly role: Role;
  readonly scope: { readonly project?: { readonly id: string; readonly name?: string } };
}

const base = '/identity/v3';

export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: async (): Promise<readonly User[]> =>
    (await ask<{ users: User[] }>(`${base}/users`)).users,
});

export const projectsQuery = queryOptions({
  queryKey: ['projects'],
  queryFn: async (): Promise<readonly Project[]> =>
    (await ask<{ projects: Project[] }>(`${base}/projects`)).projects,
});

export const rolesQuery = queryOptions({
  queryKey: ['roles'],
  queryFn: async (): Promise<readonly Role[]> =>
    (await ask<{ roles: Role[] }>(`${base}/roles`)).roles,
});

export const assignmentsQuery = (where: Readonly<Record<string, string>>) =>
  queryOptions({
    queryKey: ['role_assignments', where],
    queryFn: async (): Promise<readonly Assignment[]> => {
      const query = { ...where, include_names: true };
      const path = `${base}/role_assignments`;
      return (await ask<{ role_assignments: Assignment[] }>(path, { query })).role_assignments;
    },
  });

export async function createUser(user: {
  name: string;
  password: string;
  default_project_id?: string;
}): Promise<User> {
  return (await ask<{ user: User }>(`${base}/users`, { method: 'POST', body: { user } })).user;
}

export async function updateUser(
  id: string,
  user: { name?: string; enabled?: boolean; password?: string },
): Promise<void> {
  await ask(`${base}/users/${id}`, { method: 'PATCH', body: { user } });
}

export async function deleteUser(id: string): Promise<void> {
  await ask(`${base}/users/${id}`, { method: 'DELETE' });
}

export async function createProject(project: { name: string; description: string }): Promise<void> {
  await ask(`${base}/projects`, { method: 'POST', body: { project } });
}

export async function updateProject(
  id: string,
  project: { name?: string; description?: string; enabled?: boolean },
): Promise<void> {
  await ask(`${base}/projects/${id}`, { method: 'PATCH', body: { project } });
}

export async function deleteProject(id: string): Promise<void> {
  await ask(`${base}/projects/${id}`, { method: 'DELETE' });
}

const grantPath = (projectId: string, userId: string, roleId: string): string =>
  `${base}/projects/${projectId}/users/${userId}/roles/${roleId}`;

export async function grantRole(projectId: string, userId: string, roleId: string): Promise<void> {
  await ask(grantPath(projectId, userId, roleId), { method: 'PUT' });
}

export async function revokeRole(projectId: string, userId: string, roleId: string): Promise<void> {
  await ask(grantPath(projectId, userId, roleId), { method: 'DELETE' });
}

/** Limits of a project; −1: without limit. */
export type Quota = Readonly<Record<string, number>>;

const quotaNames = ['volumes', 'snapshots', 'gigabytes', 'backups', 'backup_gigabytes', 'groups'];

export const quotaQuery = (projectId: string) =>
  queryOptions({
    queryKey: ['quotas', projectId],
    queryFn: async (): Promise<Quota> => {
      const path = `/volume/v3/os-quota-sets/${projectId}`;
      const { quota_set: set } = await ask<{ quota_set: Record<string, number | string> }>(path);
      return Object.fromEntries(quotaNames.map((name) => [name, Number(set[name])]));
    },
  });

export async function updateQuota(projectId: string, quota: Quota): Promise<void> {
  const path = `/volume/v3/os-quota-sets/${projectId}`;
  await ask(path, { method: 'PUT', body: { quota_set: quota } });
}

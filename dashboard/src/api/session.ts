import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { ApiError, ask } from './http.ts';

export interface Named {
  readonly id: string;
  readonly name: string;
}

/** Who is logged in, and to which project. */
export interface Session {
  readonly user: Named & { readonly domain: Named };
  readonly project?: Named & { readonly domain: Named };
  readonly roles?: readonly Named[];
  readonly expires_at: string;
}

/** Null when nobody is logged in. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: async (): Promise<Session | null> => {
    try {
      return (await ask<{ session: Session }>('/firn/v1/session')).session;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
});

export function isAdmin(session: Session | null | undefined): boolean {
  return session?.roles?.some((role) => role.name === 'admin') ?? false;
}

export async function logIn(given: {
  userName: string;
  password: string;
  domain: string;
}): Promise<Session> {
  const user = {
    name: given.userName,
    password: given.password,
    domain: { name: given.domain },
  };
  const body = { auth: { identity: { methods: ['password'], password: { user } } } };
  const { session } = await ask<{ session: Session }>('/firn/v1/session', { method: 'POST', body });
  if (session.project !== undefined) return session;
  const [first] = await listProjects();
  return first === undefined ? session : await chooseProject(first.id);
}

export async function chooseProject(id: string): Promise<Session> {
  const body = { scope: { project: { id } } };
  const { session } = await ask<{ session: Session }>('/firn/v1/session', { method: 'PUT', body });
  return session;
}

export async function logOut(): Promise<void> {
  await ask('/firn/v1/session', { method: 'DELETE' });
}

async function listProjects(): Promise<readonly Named[]> {
  return (await ask<{ projects: Named[] }>('/identity/v3/auth/projects')).projects;
}

export const ownProjectsQuery = queryOptions({
  queryKey: ['projects', 'own'],
  queryFn: listProjects,
});

/** Another session, or none: what was known in the one before is forgotten. */
export function enterSession(queries: QueryClient, session: Session | null): void {
  queries.setQueryData(sessionQuery.queryKey, session);
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
}

import type { QueryClient } from '@tanstack/react-query';
import {
  type AnyRoute,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type Router,
} from '@tanstack/react-router';
import type { ComponentType } from 'react';
import { readListSearch } from '../components/list-state.ts';
import { NotFound, PageProblem } from './page-problem.tsx';
import { Shell } from './shell.tsx';

type LazyPage = () => Promise<Record<'Page', ComponentType>>;

/** Every page below its path; each is loaded when it is first gone to. */
const pages: Readonly<Record<string, LazyPage>> = {
  '/': () => import('../pages/overview/overview-page.tsx'),
  '/project/api_access': () => import('../pages/api-access/api-access-page.tsx'),
  '/project/volumes': () => import('../pages/volumes/volumes-page.tsx'),
  '/project/volumes/$id': () => import('../pages/volumes/volume-page.tsx'),
  '/project/snapshots': () => import('../pages/snapshots/snapshots-page.tsx'),
  '/project/snapshots/$id': () => import('../pages/snapshots/snapshot-page.tsx'),
  '/project/backups': () => import('../pages/backups/backups-page.tsx'),
  '/project/backups/$id': () => import('../pages/backups/backup-page.tsx'),
  '/project/volume_groups': () => import('../pages/groups/groups-page.tsx'),
  '/project/volume_groups/$id': () => import('../pages/groups/group-page.tsx'),
  '/project/vg_snapshots': () => import('../pages/groups/group-snapshots-page.tsx'),
  '/project/vg_snapshots/$id': () => import('../pages/groups/group-snapshot-page.tsx'),
  '/project/plans': () => import('../pages/plans/plans-page.tsx'),
  '/project/plans/$id': () => import('../pages/plans/plan-page.tsx'),
  '/project/holds': () => import('../pages/holds/holds-page.tsx'),
  '/project/images': () => import('../pages/images/images-page.tsx'),
  '/project/images/$id': () => import('../pages/images/image-page.tsx'),
  '/project/messages': () => import('../pages/messages/messages-page.tsx'),
  '/project/quotas': () => import('../pages/quotas/quotas-page.tsx'),
  '/project/audit': () => import('../pages/audit/audit-page.tsx'),
  '/admin/volume_types': () => import('../pages/types/types-page.tsx'),
  '/admin/services': () => import('../pages/installation/installation-page.tsx'),
  '/identity/users': () => import('../pages/people/users-page.tsx'),
  '/identity/projects': () => import('../pages/people/projects-page.tsx'),
};

/* The paths are data, so that the router's types cannot know them; links are plain. */
export function createDashboardRouter(queries: QueryClient): Router<AnyRoute> {
  const root = createRootRoute({
    component: () => <Shell queries={queries} />,
    notFoundComponent: NotFound,
    errorComponent: PageProblem,
    validateSearch: (search: Record<string, unknown>) => ({
      ...readListSearch(search),
      ...(typeof search['next'] === 'string' ? { next: search['next'] } : {}),
      ...(typeof search['tab'] === 'string' ? { tab: search['tab'] } : {}),
      ...(typeof search['open'] === 'string' ? { open: search['open'] } : {}),
    }),
  });
  const routes = Object.entries(pages).map(([path, page]) =>
    createRoute({
      getParentRoute: () => root,
      path,
      component: lazyRouteComponent(page, 'Page'),
    }),
  );
  const login = createRoute({ getParentRoute: () => root, path: '/login' });
  return createRouter({
    routeTree: root.addChildren([login, ...routes]),
    defaultPreload: false,
    scrollRestoration: true,
  });
}

import { Loader } from '@mantine/core';
import { type QueryClient, useQuery } from '@tanstack/react-query';
import { Outlet, useRouterState, useSearch } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { type Session, sessionQuery } from '../api/session.ts';
import { DialogProvider } from '../components/dialogs.tsx';
import { LoadProblem } from '../components/resource-table.tsx';
import { LoginPage } from '../pages/login/login-page.tsx';
import { followChanges, type Liveness } from './live-changes.ts';
import { Navigation } from './navigation.tsx';
import { Redirect } from './redirect.tsx';
import { SessionContext } from './session-context.ts';
import { TopBar } from './top-bar.tsx';

/** The frame around every page; without a session the login, which comes back to where one was. */
export function Shell({ queries }: { queries: QueryClient }): ReactNode {
  const { data: session, error } = useQuery(sessionQuery);
  const { pathname, href } = useRouterState({ select: (state) => state.location });
  const { next }: { next?: string } = useSearch({ strict: false });
  const isLogin = pathname === '/login';
  if (session === undefined) {
    return error === null ? <Loader m="xl" aria-label="Loading" /> : <LoadProblem error={error} />;
  }
  if (session === null || session.project === undefined) {
    return isLogin ? <LoginPage /> : <Redirect to={`/login?next=${encodeURIComponent(href)}`} />;
  }
  if (isLogin) return <Redirect to={ownPath(next)} />;
  // Another project or user begins with nothing of the one before.
  return <Frame key={`${session.user.id} ${session.project.id}`} {...{ session, queries }} />;
}

/** Only a path of this dashboard: a link to the login must not lead elsewhere. */
function ownPath(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : '/';
}

interface FrameProps {
  readonly session: Session;
  readonly queries: QueryClient;
}

function Frame({ session, queries }: FrameProps): ReactNode {
  const [liveness, setLiveness] = useState<Liveness>('connecting');
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  /** Open until another page is gone to. */
  const [menuOpenAt, setMenuOpenAt] = useState<string>();
  const isMenuOpen = menuOpenAt === pathname;
  useEffect(() => followChanges(queries, setLiveness), [queries]);
  return (
    <SessionContext.Provider value={session}>
      <DialogProvider>
        <a className="skip" href="#main">
          Skip to the page
        </a>
        <TopBar
          session={session}
          liveness={liveness}
          isMenuOpen={isMenuOpen}
          onMenu={() => setMenuOpenAt(isMenuOpen ? undefined : pathname)}
        />
        <div className="frame">
          <Navigation isOpen={isMenuOpen} />
          <main id="main" tabIndex={-1}>
            <Outlet />
          </main>
        </div>
      </DialogProvider>
    </SessionContext.Provider>
  );
}

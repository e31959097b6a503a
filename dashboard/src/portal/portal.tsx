/** The simple face: how well each volume is protected, and three things to do about it. */
import { Button, Loader } from '@mantine/core';
import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { enterSession, logOut, type Session, sessionQuery } from '../api/session.ts';
import logo from '../app/firn.svg';
import { followChanges, type Liveness } from '../app/live-changes.ts';
import { SessionContext } from '../app/session-context.ts';
import { DialogProvider } from '../components/dialogs.tsx';
import { LoadProblem } from '../components/resource-table.tsx';
import { LoginPage } from '../pages/login/login-page.tsx';
import { HomePage } from './home-page.tsx';
import { SnapshotPage } from './snapshot-page.tsx';
import { VolumePage } from './volume-page.tsx';

export function Portal({ queries }: { queries: QueryClient }): ReactNode {
  const { data: session, error } = useQuery(sessionQuery);
  if (session === undefined) {
    return error === null ? <Loader m="xl" aria-label="Loading" /> : <LoadProblem error={error} />;
  }
  if (session === null || session.project === undefined) return <LoginPage />;
  return <Frame key={`${session.user.id} ${session.project.id}`} {...{ session, queries }} />;
}

function Frame({ session, queries }: { session: Session; queries: QueryClient }): ReactNode {
  const [liveness, setLiveness] = useState<Liveness>('connecting');
  useEffect(() => followChanges(queries, setLiveness), [queries]);
  return (
    <SessionContext.Provider value={session}>
      <PortalBar session={session} />
      <main id="main" className="portal">
        {liveness === 'lost' && (
          <output className="portal-lost">
            Firn does not answer. You see what was known last; it goes on by itself.
          </output>
        )}
        <DialogProvider>{pageAt(window.location.pathname)}</DialogProvider>
      </main>
    </SessionContext.Provider>
  );
}

/** Pages are few, and each is a page load. */
function pageAt(path: string): ReactNode {
  const [, kind, id] = /^\/portal\/(volumes|snapshots)\/([^/]+)$/.exec(path) ?? [];
  if (id !== undefined && kind === 'volumes') return <VolumePage id={decodeURIComponent(id)} />;
  if (id !== undefined) return <SnapshotPage id={decodeURIComponent(id)} />;
  return <HomePage />;
}

function PortalBar({ session }: { session: Session }): ReactNode {
  const queries = useQueryClient();
  const { mutate: leave } = useMutation({
    mutationFn: logOut,
    onSettled: () => enterSession(queries, null),
  });
  return (
    <header className="top portal-bar">
      <a className="brand" href="/portal">
        <img src={logo} alt="" width={28} height={28} />
        Firn
      </a>
      <span className="portal-project">{session.project?.name}</span>
      <span className="spacer" />
      <Button component="a" href="/" className="top-button" variant="transparent">
        Dashboard
      </Button>
      <Button className="top-button" variant="transparent" onClick={() => leave()}>
        Sign Out
      </Button>
    </header>
  );
}

import { Button, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { nameOf } from '../components/quantities.ts';
import { LoadProblem } from '../components/resource-table.tsx';
import { Activity } from './activity.tsx';
import { type Protection, protectionQuery } from '../api/protection.ts';
import { VolumeCard } from './volume-card.tsx';

export function HomePage(): ReactNode {
  useDocumentTitle('Your volumes - Firn');
  const { data: volumes, error } = useQuery(protectionQuery);
  if (error !== null) return <LoadProblem error={error} />;
  if (volumes === undefined) return null;
  const names = new Map(
    volumes.map(({ volume_id: id, name }) => [id, nameOf({ id, name })] as const),
  );
  return (
    <>
      <Title order={1}>Your volumes</Title>
      <p className="portal-summary">{summaryOf(volumes)}</p>
      {volumes.length === 0 ? (
        <Button component="a" href="/project/volumes">
          Make a volume in the dashboard
        </Button>
      ) : (
        <ul className="portal-cards">
          {inOrder(volumes).map((volume) => (
            <VolumeCard key={volume.volume_id} volume={volume} />
          ))}
        </ul>
      )}
      <Activity names={names} />
    </>
  );
}

/** What wants to be looked at comes first; what is alike stays in its order. */
function inOrder(volumes: readonly Protection[]): readonly Protection[] {
  const rank = { failing: 0, unprotected: 1, protected: 2, proven: 2 } as const;
  return volumes.toSorted((a, b) => rank[a.shield] - rank[b.shield]);
}

function summaryOf(volumes: readonly Protection[]): string {
  if (volumes.length === 0) return 'There are no volumes yet.';
  const safe = volumes.filter(({ shield }) => shield === 'proven' || shield === 'protected').length;
  const failing = volumes.filter(({ shield }) => shield === 'failing').length;
  const rest = failing === 0 ? '' : ` ${failing} of them want your attention.`;
  if (safe === volumes.length) return 'All of them are protected.';
  return `${safe} of ${volumes.length} ${safe === 1 ? 'is' : 'are'} protected.${rest}`;
}

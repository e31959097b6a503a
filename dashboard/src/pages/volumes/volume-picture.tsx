import { Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type HistoryPoint, heatMapQuery, historyQuery } from '../../api/firn.ts';
import type { Volume } from '../../api/volumes.ts';
import { nameOf } from '../../components/quantities.ts';
import { HeatMap } from './heat-map.tsx';
import { HistoryLine } from './history-line.tsx';
import { PointPanel } from './point-panel.tsx';

/** The heart of a volume's page: its history, and where it holds what. */
export function VolumePicture({ volume }: { volume: Volume }): ReactNode {
  const [since, setSince] = useState<string>();
  const [chosenId, setChosenId] = useState<string>();
  const { data: history = [] } = useQuery(historyQuery(volume.id));
  const { data: map } = useQuery({
    ...heatMapQuery(volume.id, since),
    placeholderData: keepPreviousData,
  });
  const chosen = history.find((point) => point.id === chosenId);
  const against = history.find((point) => point.id === map?.since);
  return (
    <section className="panel" aria-label="History and contents">
      <Title order={2} size="h4">
        History
      </Title>
      {history.length === 0 ? (
        <Text c="dimmed">
          No snapshot and no backup yet: “Create Snapshot” or “Create Backup” above begins it.
        </Text>
      ) : (
        <HistoryLine points={history} chosenId={chosenId} onChoose={setChosenId} />
      )}
      {chosen !== undefined && <PointPanel point={chosen} onCompare={() => setSince(chosen.id)} />}
      {map !== undefined && (
        <>
          <Title order={2} size="h4" mt="md">
            Where it holds data
          </Title>
          <HeatMap map={map} against={pointName(against)} />
        </>
      )}
    </section>
  );
}

function pointName(point: HistoryPoint | undefined): string | undefined {
  return point === undefined ? undefined : `the ${point.kind} “${nameOf(point)}”`;
}

import { Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type HistoryPoint, heatMapQuery, type Span, historyQuery } from '../../api/firn.ts';
import type { Volume } from '../../api/volumes.ts';
import { nameOf } from '../../components/quantities.ts';
import { HeatMap } from './heat-map.tsx';
import { HistoryLine } from './history-line.tsx';
import { PointPanel } from './point-panel.tsx';

/** The heart of a volume's page: its history, and where it holds what. */
export function VolumePicture({ volume }: { volume: Volume }): ReactNode {
  const [span, setSpan] = useState<Span>({});
  const [chosenId, setChosenId] = useState<string>();
  const { data: history = [] } = useQuery(historyQuery(volume.id));
  const { data: map } = useQuery({
    ...heatMapQuery(volume.id, span),
    placeholderData: keepPreviousData,
  });
  const chosen = history.find((point) => point.id === chosenId);
  const drawn = pointName(history.find((point) => point.id === map?.until));
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
      {chosen !== undefined && (
        <PointPanel key={chosen.id} point={chosen} others={history} onCompare={setSpan} />
      )}
      {map !== undefined && (
        <>
          <Title order={2} size="h4" mt="md">
            {drawn === undefined ? 'Where it holds data' : `Where ${drawn} holds data`}
          </Title>
          {span.since !== undefined && map.since === null && (
            <Text size="sm">
              What changed between them is not known: Firn has no mark of the earlier one any more.
            </Text>
          )}
          <HeatMap map={map} against={pointName(against)} />
        </>
      )}
    </section>
  );
}

function pointName(point: HistoryPoint | undefined): string | undefined {
  return point === undefined ? undefined : `the ${point.kind} “${nameOf(point)}”`;
}

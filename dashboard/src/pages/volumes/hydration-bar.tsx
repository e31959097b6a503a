import { Alert, Progress } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { hydrationQuery } from '../../api/volumes.ts';
import { bytesText, durationText } from '../../components/quantities.ts';

/** While the data of an instantly restored volume still comes in. */
export function HydrationBar({ volumeId }: { volumeId: string }): ReactNode {
  const { data: hydration } = useQuery(hydrationQuery(volumeId));
  if (hydration === null || hydration === undefined) return null;
  const { bytes_done: done, bytes_total: total, seconds_left: left } = hydration;
  const rest = left === null || left === undefined ? '' : `, ${durationText(left)} left`;
  return (
    <Alert color="blue" title="Restored instantly; its data is still coming in" mb="md">
      The volume can be used now. {bytesText(done)} of {bytesText(total)} are here{rest}.
      <Progress
        mt="xs"
        value={total === 0 ? 0 : (done * 100) / total}
        aria-label="Data that has come in"
      />
    </Alert>
  );
}

import { Progress, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { backupFiguresQuery, type BackupFigures } from '../../api/backups.ts';
import { bytesText, durationText } from '../../components/quantities.ts';

/** Bytes, rate and time left of a backup that is being made; what it read and stored when it is. */
export function BackupProgress({ id }: { id: string }): ReactNode {
  const { data: figures } = useQuery(backupFiguresQuery(id));
  if (figures === undefined) return null;
  return <BackupFiguresText figures={figures} />;
}

export function BackupFiguresText({ figures }: { figures: BackupFigures }): ReactNode {
  const { status, bytes_done: done, bytes_total: total, bytes_stored: stored } = figures;
  if (status !== 'creating') {
    return (
      <Text size="sm" c="dimmed">
        {total === 0 && status === 'available'
          ? nothingText(figures)
          : `${bytesText(total)} read, ${bytesText(stored)} stored`}
      </Text>
    );
  }
  const text = total === 0 ? 'Looking for what changed' : progressText(figures);
  return (
    <div className="backup-progress">
      <Progress
        value={total === 0 ? 0 : (done * 100) / total}
        aria-label={`Progress: ${figures.percent} %`}
        size="md"
        striped
        animated
      />
      <Text size="sm" c="dimmed" component="div">
        {text}
      </Text>
      {stored > 0 && (
        <Text size="sm" c="dimmed">
          {bytesText(stored)} stored
        </Text>
      )}
    </div>
  );
}

const nothingText = ({ parent_id: parent }: BackupFigures): string =>
  parent === null ? 'The volume holds nothing' : 'Nothing had changed';

function progressText(figures: BackupFigures): string {
  const { bytes_done: done, bytes_total: total, bytes_per_second: rate } = figures;
  const parts = [`${bytesText(done)} of ${bytesText(total)} (${figures.percent} %)`];
  if (rate !== null && rate > 0) {
    parts.push(`${bytesText(rate)}/s`, `${durationText((total - done) / rate)} left`);
  }
  return parts.join(', ');
}

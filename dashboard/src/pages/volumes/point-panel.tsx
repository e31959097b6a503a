import { Button, Group, NativeSelect, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Backup, backupQuery } from '../../api/backups.ts';
import type { HistoryPoint, Span } from '../../api/firn.ts';
import { type Snapshot, snapshotQuery } from '../../api/snapshots.ts';
import { PageLink } from '../../components/facts.tsx';
import { bytesText, nameOf, timeText } from '../../components/quantities.ts';
import type { RowAction } from '../../components/row-actions.tsx';
import { useBackupActions } from '../backups/backup-actions.tsx';
import { useSnapshotActions } from '../snapshots/snapshot-actions.tsx';

interface PointPanelProps {
  readonly point: HistoryPoint;
  /** All of the history, oldest first. */
  readonly others: readonly HistoryPoint[];
  readonly onCompare: (span: Span) => void;
}

/** A point of the history: what it is, and what can be done from there. */
export function PointPanel({ point, others, onCompare }: PointPanelProps): ReactNode {
  const { kind, id, at, changed_bytes: changed } = point;
  const path = `/project/${kind}s/${id}`;
  const size =
    changed === null
      ? ''
      : `, ${bytesText(changed)} ${kind === 'backup' ? 'read for it' : 'changed until then'}`;
  return (
    <div className="point">
      <Text>
        {kind === 'backup' ? 'Backup' : 'Snapshot'} <PageLink to={path}>{nameOf(point)}</PageLink>
        {`, ${timeText(at)}${size}`}
      </Text>
      <Group gap="xs" mt="xs">
        {kind === 'backup' ? <BackupButtons id={id} /> : <SnapshotButtons id={id} />}
        <CompareWith point={point} others={others} onCompare={onCompare} />
      </Group>
    </div>
  );
}

/** What changed between this point and another: the earlier of both comes first. */
function CompareWith({ point, others, onCompare }: PointPanelProps): ReactNode {
  const compare = (otherId: string): void => {
    const ids = others.map(({ id }) => id);
    const isLater = ids.indexOf(otherId) > ids.indexOf(point.id);
    if (otherId === 'now') onCompare({ since: point.id });
    else if (isLater) onCompare({ since: point.id, until: otherId });
    else if (otherId !== '') onCompare({ since: otherId, until: point.id });
  };
  return (
    <NativeSelect
      size="xs"
      aria-label={`Compare ${nameOf(point)} with`}
      data={[
        { value: '', label: 'Compare with …' },
        { value: 'now', label: 'what is there now' },
        ...others
          .filter(({ id }) => id !== point.id)
          .map((other) => ({ value: other.id, label: `the ${other.kind} ${nameOf(other)}` })),
      ]}
      onChange={(event) => compare(event.currentTarget.value)}
    />
  );
}

const fromSnapshot: readonly string[] = [
  'Create Volume',
  'Create Backup',
  'Mount',
  'Revert Volume to Snapshot',
];
const fromBackup: readonly string[] = [
  'Restore Backup',
  'Instant Restore',
  'Mount',
  'Verify Backup',
];

function SnapshotButtons({ id }: { id: string }): ReactNode {
  const { data: snapshot } = useQuery(snapshotQuery(id));
  const actions = useSnapshotActions();
  return <ActionButtons<Snapshot> row={snapshot} actions={actions} labels={fromSnapshot} />;
}

function BackupButtons({ id }: { id: string }): ReactNode {
  const { data: backup } = useQuery(backupQuery(id));
  const actions = useBackupActions();
  return <ActionButtons<Backup> row={backup} actions={actions} labels={fromBackup} />;
}

interface ActionButtonsProps<R> {
  readonly row: R | undefined;
  readonly actions: readonly RowAction<R>[];
  readonly labels: readonly string[];
}

function ActionButtons<R>({ row, actions, labels }: ActionButtonsProps<R>): ReactNode {
  if (row === undefined) return null;
  return actions
    .filter(({ label, isOffered }) => labels.includes(label) && isOffered?.(row) !== false)
    .map(({ label, isDangerous, run }) => (
      <Button
        key={label}
        size="xs"
        variant={isDangerous === true ? 'filled' : 'default'}
        {...(isDangerous === true ? { color: 'red' } : {})}
        onClick={() => run(row)}
      >
        {label}
      </Button>
    ));
}

import { List, Text, Title } from '@mantine/core';
import { IconShieldCheck, IconShieldOff } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { BackupFigures } from '../../api/backups.ts';
import type { Volume } from '../../api/volumes.ts';
import { PageLink } from '../../components/facts.tsx';
import { instantOf, nameOf, timeText } from '../../components/quantities.ts';

const namedMax = 8;

interface ProtectionProps {
  readonly volumes: readonly Volume[];
  readonly backups: readonly BackupFigures[];
}

/** Which volumes have a backup, and which backup was never proven for longest. */
export function ProtectionPanel({ volumes, backups }: ProtectionProps): ReactNode {
  const whole = backups.filter((backup) => backup.status === 'available');
  const backedUp = new Set(whole.map((backup) => backup.volume_id));
  const bare = volumes.filter((volume) => !backedUp.has(volume.id));
  const unproven = whole
    .filter((backup) => (backup.verification ?? null) === null)
    .toSorted((a, b) => instantOf(a.created_at).getTime() - instantOf(b.created_at).getTime());
  const [oldest] = unproven;
  return (
    <section className="panel">
      <Title order={2} size="h4">
        Protection
      </Title>
      <div className="figures">
        <Figure
          icon={<IconShieldCheck size={22} aria-hidden />}
          value={volumes.length - bare.length}
          label="volumes have a backup"
        />
        <Figure
          icon={<IconShieldOff size={22} aria-hidden />}
          value={bare.length}
          label="volumes have none"
          isBad={bare.length > 0}
        />
        <Figure value={unproven.length} label="backups not verified yet" />
      </div>
      {bare.length > 0 && (
        <>
          <Text size="sm">Without a backup; make one on the volume’s page:</Text>
          <List size="sm">
            {bare.slice(0, namedMax).map((volume) => (
              <List.Item key={volume.id}>
                <PageLink to={`/project/volumes/${volume.id}`}>{nameOf(volume)}</PageLink>
              </List.Item>
            ))}
            {bare.length > namedMax && <List.Item>and {bare.length - namedMax} more</List.Item>}
          </List>
        </>
      )}
      {oldest !== undefined && (
        <Text size="sm" mt="sm">
          Oldest unverified backup:{' '}
          <PageLink to={`/project/backups/${oldest.id}`}>{nameOf(oldest)}</PageLink> of{' '}
          {timeText(oldest.created_at)}
        </Text>
      )}
      {volumes.length === 0 && (
        <Text>
          There are no volumes yet. <PageLink to="/project/volumes">Create one</PageLink>.
        </Text>
      )}
    </section>
  );
}

interface FigureProps {
  readonly icon?: ReactNode;
  readonly value: number;
  readonly label: string;
  readonly isBad?: boolean;
}

function Figure({ icon, value, label, isBad }: FigureProps): ReactNode {
  return (
    <div className={isBad === true ? 'figure bad' : 'figure'}>
      <span className="figure-value">
        {icon} {value}
      </span>
      <span className="figure-label">{label}</span>
    </div>
  );
}

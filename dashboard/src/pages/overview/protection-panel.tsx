import { List, Progress, Text, Title } from '@mantine/core';
import {
  IconShieldCheckFilled,
  IconShieldExclamation,
  IconShieldHalfFilled,
  IconShieldX,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { BackupFigures } from '../../api/backups.ts';
import type { Protection, Shield } from '../../api/protection.ts';
import { PageLink } from '../../components/facts.tsx';
import { instantOf, nameOf, timeText } from '../../components/quantities.ts';

const namedMax = 5;

/** Each shield with its sign, its word and the colour of its part of the bar. */
const shields: readonly (readonly [Shield, typeof IconShieldX, string, string])[] = [
  ['proven', IconShieldCheckFilled, 'protected and proven', 'var(--firn-shield-proven)'],
  ['protected', IconShieldHalfFilled, 'protected, not yet proven', 'var(--firn-series-1)'],
  ['unprotected', IconShieldExclamation, 'not protected', 'var(--firn-shield-unprotected)'],
  ['failing', IconShieldX, 'failing', 'var(--mantine-color-error)'],
];

interface ProtectionProps {
  readonly volumes: readonly Protection[];
  readonly backups: readonly BackupFigures[];
}

/** How well the volumes are protected, and which backup was never proven for longest. */
export function ProtectionPanel({ volumes, backups }: ProtectionProps): ReactNode {
  const counted = shields.map(([shield, Icon, label, color]) => {
    const count = volumes.filter((volume) => volume.shield === shield).length;
    return { shield, Icon, label, color, count };
  });
  return (
    <section className="panel" aria-label="Protection">
      <Title order={2} size="h4">
        Protection
      </Title>
      {volumes.length === 0 ? (
        <Text>
          There are no volumes yet. <PageLink to="/project/volumes">Create one</PageLink>.
        </Text>
      ) : (
        <>
          <Progress.Root size={12} mb="sm" aria-hidden>
            {counted.map(({ shield, color, count }) => (
              <Progress.Section
                key={shield}
                value={(count * 100) / volumes.length}
                color={color}
                withAria={false}
              />
            ))}
          </Progress.Root>
          <ul className="figures">
            {counted.map(({ shield, Icon, label, count }) => (
              <li key={shield} className={`figure shield-${count === 0 ? 'none' : shield}`}>
                <span className="figure-value">
                  <Icon size={24} aria-hidden /> {count}
                </span>
                <span className="figure-label">{label}</span>
              </li>
            ))}
          </ul>
          <Bare volumes={volumes.filter(({ shield }) => shield === 'unprotected')} />
          <Unproven backups={backups} />
        </>
      )}
    </section>
  );
}

function Bare({ volumes }: { volumes: readonly Protection[] }): ReactNode {
  if (volumes.length === 0) return null;
  return (
    <>
      <Text size="sm" mt="xs">
        Not protected. <PageLink to="/project/plans">Put them under a plan</PageLink>, which makes
        their backups from then on:
      </Text>
      <List size="sm">
        {volumes.slice(0, namedMax).map(({ volume_id: id, name, reason }) => (
          <List.Item key={id}>
            <PageLink to={`/project/volumes/${id}`}>{nameOf({ id, name })}</PageLink>
            <Text size="sm" c="dimmed">
              {reason}
            </Text>
          </List.Item>
        ))}
        {volumes.length > namedMax && (
          <List.Item>
            and {volumes.length - namedMax} more: <a href="/portal">all of them</a>
          </List.Item>
        )}
      </List>
    </>
  );
}

function Unproven({ backups }: { backups: readonly BackupFigures[] }): ReactNode {
  const unproven = backups
    .filter(({ status, verification }) => status === 'available' && (verification ?? null) === null)
    .toSorted((a, b) => instantOf(a.created_at).getTime() - instantOf(b.created_at).getTime());
  const [oldest] = unproven;
  if (oldest === undefined) return null;
  return (
    <Text size="sm" mt="sm">
      {unproven.length} backup{unproven.length === 1 ? ' was' : 's were'} never verified; the oldest
      is <PageLink to={`/project/backups/${oldest.id}`}>{nameOf(oldest)}</PageLink> of{' '}
      {timeText(oldest.created_at)}. “Verify Backup” on its row, or a plan that verifies, proves it.
    </Text>
  );
}

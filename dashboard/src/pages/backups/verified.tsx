import { Badge } from '@mantine/core';
import { IconAlertTriangle, IconShieldCheck, IconShieldQuestion } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { BackupFigures } from '../../api/backups.ts';
import { timeText } from '../../components/quantities.ts';

const depths: Readonly<Record<string, string>> = {
  objects: 'its objects are there',
  blocks: 'every block was read and checked',
  filesystem: 'its file system was checked',
};

/** When and how deep a backup was last verified, with a sign that is read without colour. */
export function Verified(props: {
  readonly verification: BackupFigures['verification'];
}): ReactNode {
  const { verification } = props;
  if (verification === null || verification === undefined) {
    return (
      <Badge
        variant="light"
        color="gray"
        className="status"
        leftSection={<IconShieldQuestion size={14} aria-hidden />}
      >
        Not verified yet
      </Badge>
    );
  }
  const { outcome, depth, at } = verification;
  const isDamaged = outcome === 'damaged';
  const Icon = isDamaged ? IconAlertTriangle : IconShieldCheck;
  return (
    <Badge
      variant="light"
      color={isDamaged ? 'red' : 'teal'}
      className="status"
      leftSection={<Icon size={14} aria-hidden />}
      title={`${timeText(at)}: ${depths[depth] ?? depth}`}
    >
      {isDamaged ? 'Damaged' : outcome === 'healed' ? 'Healed' : 'Verified'}: {depth}
    </Badge>
  );
}

export const depthText = (depth: string): string => depths[depth] ?? depth;

import { Progress } from '@mantine/core';
import type { ReactNode } from 'react';
import type { BackupSpace as Space } from '../../api/backups.ts';
import { Facts } from '../../components/facts.tsx';
import { bytesText } from '../../components/quantities.ts';

/** Which of a backup's bytes are its own, shared with others, or patches on shared ones. */
export function BackupSpace({ space }: { space: Space }): ReactNode {
  const { exclusive_bytes: exclusive, shared_bytes: shared, patch_bytes: patch } = space;
  const total = Math.max(1, exclusive + shared + patch);
  const parts = [
    ['Exclusive', exclusive, 'var(--firn-series-1)'],
    ['Shared', shared, 'var(--firn-series-2)'],
    ['Patches', patch, 'var(--firn-series-3)'],
  ] as const;
  return (
    <>
      <Progress.Root size={22} aria-label="Where its bytes are">
        {parts.map(([name, bytes, color]) => (
          <Progress.Section
            key={name}
            value={(bytes * 100) / total}
            color={color}
            aria-label={`${name}: ${bytesText(bytes)}`}
          />
        ))}
      </Progress.Root>
      <Facts
        facts={{
          'Exclusive: given back by its deletion': bytesText(exclusive),
          'Shared with other backups': bytesText(shared),
          'Patches: changed sectors of shared blocks': bytesText(patch),
        }}
      />
    </>
  );
}

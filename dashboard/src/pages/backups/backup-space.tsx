import { Progress } from '@mantine/core';
import type { ReactNode } from 'react';
import type { BackupSpace as Space } from '../../api/backups.ts';
import { bytesText } from '../../components/quantities.ts';

/** Which of a backup's bytes are its own, shared with others, or patches on shared ones. */
export function BackupSpace({ space }: { space: Space }): ReactNode {
  const { exclusive_bytes: exclusive, shared_bytes: shared, patch_bytes: patch } = space;
  const total = Math.max(1, exclusive + shared + patch);
  const parts = [
    ['Exclusive', exclusive, 'var(--firn-series-1)', 'given back by its deletion'],
    ['Shared', shared, 'var(--firn-series-2)', 'with other backups'],
    ['Patches', patch, 'var(--firn-series-3)', 'changed sectors of shared blocks'],
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
      <ul className="legend space-legend">
        {parts.map(([name, bytes, color, words]) => (
          <li key={name}>
            <svg width={12} height={12} aria-hidden>
              <rect width={12} height={12} rx={2} fill={color} />
            </svg>
            {name}, {words}: <b>{bytesText(bytes)}</b>
          </li>
        ))}
      </ul>
    </>
  );
}

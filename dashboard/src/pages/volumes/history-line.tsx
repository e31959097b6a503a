import { UnstyledButton, VisuallyHidden } from '@mantine/core';
import { IconArchive, IconCamera } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { HistoryPoint } from '../../api/firn.ts';
import { bytesText, nameOf, timeText } from '../../components/quantities.ts';

interface HistoryLineProps {
  readonly points: readonly HistoryPoint[];
  readonly chosenId: string | undefined;
  readonly onChoose: (id: string) => void;
}

/** Pixels of the highest bar. */
const barMax = 72;

/** Sizes differ by orders of magnitude: a bar grows with the logarithm. */
function barHeight(bytes: number, mostBytes: number): number {
  if (bytes <= 0 || mostBytes <= 0) return 2;
  return Math.max(4, (Math.log2(1 + bytes / 4096) / Math.log2(1 + mostBytes / 4096)) * barMax);
}

/** Snapshots and backups in their order; the bars say how much had changed by then. */
export function HistoryLine({ points, chosenId, onChoose }: HistoryLineProps): ReactNode {
  const most = Math.max(...points.map((point) => point.changed_bytes ?? 0));
  return (
    <ol className="history">
      {points.map((point) => {
        const { id, kind, at, changed_bytes: changed } = point;
        const Icon = kind === 'backup' ? IconArchive : IconCamera;
        const size = changed === null ? 'unknown' : bytesText(changed);
        const did = kind === 'backup' ? 'read' : 'changed';
        return (
          <li key={id}>
            <UnstyledButton
              className={`history-point ${kind}`}
              aria-pressed={id === chosenId}
              onClick={() => onChoose(id)}
            >
              <span className="history-size">{size}</span>
              <span className="history-bar" style={{ height: barHeight(changed ?? 0, most) }} />
              <Icon size={18} aria-hidden />
              <span className="history-name">{nameOf(point)}</span>
              <VisuallyHidden>{` ${kind}, ${timeText(at)}, ${size} ${did}`}</VisuallyHidden>
            </UnstyledButton>
          </li>
        );
      })}
      <li className="history-now">now</li>
    </ol>
  );
}

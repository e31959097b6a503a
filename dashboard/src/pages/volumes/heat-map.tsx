import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { HeatMap as Map } from '../../api/firn.ts';
import { bytesText } from '../../components/quantities.ts';

/** Cells of a row; the map has up to eight rows. */
const columnCount = 64;
const cell = 14;
const gap = 2;

interface HeatMapProps {
  readonly map: Map;
  /** What `changed` is against, in words. */
  readonly against: string | undefined;
}

const sum = (counts: readonly number[]): number => counts.reduce((all, bytes) => all + bytes, 0);

/**
 * The disk from its beginning to its end, row by row. What a cell is shows in its shape too: data
 * fills it, what changed has a corner, what is shared has stripes.
 */
export function HeatMap({ map, against }: HeatMapProps): ReactNode {
  const { allocated, changed, shared, bucket_bytes: bucketBytes } = map;
  const rows = Math.ceil(allocated.length / columnCount);
  const width = columnCount * (cell + gap);
  const height = rows * (cell + gap);
  const words = [
    `${bytesText(sum(allocated))} of ${bytesText(map.length_bytes)} hold data`,
    `${bytesText(sum(shared))} of that is shared with snapshots, backups’ marks or clones`,
    ...(changed === null || against === undefined
      ? []
      : [`${bytesText(sum(changed))} changed since ${against}`]),
  ];
  return (
    <>
      <Text size="sm" mb="xs">
        {words.join('; ')}. Each cell is {bytesText(bucketBytes)}.
      </Text>
      <svg
        className="heat-map"
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={words.join('; ')}
      >
        <defs>
          <pattern id="stripes" width="4" height="4" patternUnits="userSpaceOnUse">
            <path d="M0 4 4 0" className="stripe" />
          </pattern>
        </defs>
        {allocated.map((bytes, index) => (
          <Cell
            key={index}
            index={index}
            allocated={bytes / bucketBytes}
            changed={changed?.[index] ?? 0}
            shared={shared[index] ?? 0}
          />
        ))}
      </svg>
      <Legend hasChanges={changed !== null && against !== undefined} />
    </>
  );
}

interface CellProps {
  readonly index: number;
  /** 0 to 1. */
  readonly allocated: number;
  /** Bytes. */
  readonly changed: number;
  readonly shared: number;
}

/** A little data is still seen. */
const faintest = 0.25;

function Cell({ index, allocated, changed, shared }: CellProps): ReactNode {
  const x = (index % columnCount) * (cell + gap);
  const y = Math.floor(index / columnCount) * (cell + gap);
  const strength = allocated === 0 ? 0 : faintest + (1 - faintest) * Math.min(1, allocated);
  return (
    <g transform={`translate(${x} ${y})`}>
      <rect width={cell} height={cell} rx={2} className="cell-empty" />
      {strength > 0 && (
        <rect width={cell} height={cell} rx={2} className="cell-data" opacity={strength} />
      )}
      {shared > 0 && <rect width={cell} height={cell} rx={2} fill="url(#stripes)" />}
      {changed > 0 && <path d={`M${cell} 0v${cell * 0.7}L${cell * 0.3} 0z`} className="corner" />}
    </g>
  );
}

function Legend({ hasChanges }: { hasChanges: boolean }): ReactNode {
  return (
    <ul className="legend">
      <LegendEntry label="never written" allocated={0} changed={0} shared={0} />
      <LegendEntry label="data" allocated={1} changed={0} shared={0} />
      <LegendEntry label="shared" allocated={1} changed={0} shared={1} />
      {hasChanges && <LegendEntry label="changed since" allocated={1} changed={1} shared={0} />}
    </ul>
  );
}

function LegendEntry({ label, ...rest }: Omit<CellProps, 'index'> & { label: string }): ReactNode {
  return (
    <li>
      <svg width={cell} height={cell} aria-hidden>
        <Cell index={0} {...rest} />
      </svg>
      {label}
    </li>
  );
}

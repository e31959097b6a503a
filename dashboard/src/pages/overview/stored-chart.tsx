import { Title } from '@mantine/core';
import type { ReactNode } from 'react';
import {
  Area,
  AreaChart,
  CartesianGrid,
  Legend,
  Tooltip,
  XAxis,
  YAxis,
  ResponsiveContainer,
} from 'recharts';
import type { BackupFigures } from '../../api/backups.ts';
import { bytesText, instantOf } from '../../components/quantities.ts';

const bytesPerGiB = 2 ** 30;

interface Point {
  readonly at: number;
  readonly logical: number;
  readonly stored: number;
}

/** After each backup: what all backups until then hold, and what the store has for them. */
function pointsOf(backups: readonly BackupFigures[]): readonly Point[] {
  const inOrder = backups
    .filter((backup) => backup.status === 'available')
    .toSorted((a, b) => instantOf(a.created_at).getTime() - instantOf(b.created_at).getTime());
  let logical = 0;
  let stored = 0;
  return inOrder.map((backup) => {
    logical += backup.size * bytesPerGiB;
    stored += backup.bytes_stored;
    return { at: instantOf(backup.created_at).getTime(), logical, stored };
  });
}

const dayMs = 86_400_000;

/** Days, or times of the day when all is within two. */
function axisText(points: readonly Point[]): (at: number) => string {
  const span = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0);
  if (span > 2 * dayMs) return (at) => new Date(at).toLocaleDateString();
  return (at) => new Date(at).toLocaleTimeString(undefined, { timeStyle: 'short' });
}

/** Stored against logical size over time; the lines differ in their dashes too. */
export default function StoredChart(props: {
  readonly backups: readonly BackupFigures[];
}): ReactNode {
  const points = pointsOf(props.backups);
  const last = points.at(-1);
  if (last === undefined || points.length < 2) return null;
  const words =
    `${points.length} backups hold ${bytesText(last.logical)}; ` +
    `the store has ${bytesText(last.stored)} for them.`;
  return (
    <section className="panel chart" aria-label="Stored size over time">
      <Title order={2} size="h4">
        Stored against logical size
      </Title>
      <p>{words}</p>
      <div aria-hidden>
        <ResponsiveContainer width="100%" height={220}>
          <AreaChart data={[...points]} margin={{ left: 12, right: 12 }} accessibilityLayer={false}>
            <CartesianGrid stroke="var(--firn-line)" strokeDasharray="2 4" />
            <XAxis
              dataKey="at"
              type="number"
              scale="time"
              domain={['dataMin', 'dataMax']}
              tickFormatter={axisText(points)}
              minTickGap={40}
              tickMargin={6}
              fontSize={12}
              stroke="var(--mantine-color-dimmed)"
            />
            <YAxis
              tickFormatter={bytesText}
              width={76}
              tickMargin={4}
              fontSize={12}
              stroke="var(--mantine-color-dimmed)"
            />
            <Tooltip
              formatter={(value) => bytesText(Number(value))}
              labelFormatter={(at) => new Date(Number(at)).toLocaleString()}
              contentStyle={{
                background: 'var(--mantine-color-body)',
                borderColor: 'var(--firn-line)',
              }}
            />
            <Legend wrapperStyle={{ fontSize: 13 }} />
            <Area
              name="Logical"
              dataKey="logical"
              stroke="var(--firn-series-2)"
              fill="var(--firn-series-2)"
              fillOpacity={0.12}
              strokeDasharray="6 4"
              strokeWidth={2}
              isAnimationActive={false}
            />
            <Area
              name="Stored"
              dataKey="stored"
              stroke="var(--firn-series-1)"
              fill="var(--firn-series-1)"
              fillOpacity={0.3}
              strokeWidth={2}
              isAnimationActive={false}
            />
          </AreaChart>
        </ResponsiveContainer>
      </div>
    </section>
  );
}

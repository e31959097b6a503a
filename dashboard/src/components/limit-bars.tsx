import { Progress, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

export interface LimitBar {
  readonly label: string;
  readonly used: number;
  /** What the form would add. */
  readonly added?: number;
  /** −1: without limit. */
  readonly max: number;
  readonly unit?: string;
}

/** How much of a quota is used, and what the form would add to it. */
export function LimitBars(props: {
  readonly title: string;
  readonly bars: readonly LimitBar[];
}): ReactNode {
  return (
    <section className="limits">
      <Title order={3} size="h5">
        {props.title}
      </Title>
      {props.bars.map((bar) => (
        <Bar key={bar.label} {...bar} />
      ))}
    </section>
  );
}

function Bar({ label, used, added = 0, max, unit = '' }: LimitBar): ReactNode {
  const usedPart = max <= 0 ? 0 : Math.min(100, (used * 100) / max);
  const addedPart = max <= 0 ? 0 : Math.min(100 - usedPart, (added * 100) / max);
  const isOver = max >= 0 && used + added > max;
  const text = `${used} of ${max < 0 ? 'No Limit' : max}${unit} Used`;
  return (
    <div className="limit">
      <Text size="sm" component="div" className="limit-text">
        <span>{label}</span>
        <span>{text}</span>
      </Text>
      <Progress.Root size="lg" aria-label={`${label}: ${text}`}>
        <Progress.Section value={usedPart} aria-label={`${label}, used`} />
        <Progress.Section
          value={addedPart}
          color={isOver ? 'red' : 'teal'}
          striped
          aria-label={`${label}, added by this form`}
        />
      </Progress.Root>
    </div>
  );
}

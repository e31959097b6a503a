import { Button, Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { pageSize } from '../api/page.ts';
import type { ListState } from './list-state.ts';

interface PagerProps {
  readonly count: number;
  readonly state: ListState;
  readonly where: 'above' | 'below';
}

/** Numbers of the pages around the current one. */
function numbersAround(page: number, last: number): number[] {
  const first = Math.max(1, Math.min(page - 2, last - 4));
  return Array.from({ length: Math.min(5, last) }, (_, index) => first + index);
}

export function Pager({ count, state, where }: PagerProps): ReactNode {
  const last = Math.max(1, Math.ceil(count / pageSize));
  const { page } = state.list;
  const from = (page - 1) * pageSize + 1;
  const range = last === 1 ? '' : ` (${from}–${Math.min(count, page * pageSize)})`;
  return (
    <Group justify="space-between" my="xs" className="pager">
      <Text size="sm" role={where === 'above' ? 'status' : undefined}>
        Displaying {count} item{count === 1 ? '' : 's'}
        {range}
      </Text>
      {where === 'below' && last > 1 && (
        <Group gap={4} component="nav" aria-label="Pages">
          <Step label="« First" to={1} isOff={page === 1} state={state} />
          <Step label="‹ Prev" to={page - 1} isOff={page === 1} state={state} />
          {numbersAround(page, last).map((number) => (
            <Button
              key={number}
              size="compact-sm"
              variant={number === page ? 'filled' : 'default'}
              {...(number === page ? { 'aria-current': 'page' } : {})}
              onClick={() => state.goTo(number)}
            >
              {number}
            </Button>
          ))}
          <Step label="Next ›" to={page + 1} isOff={page >= last} state={state} />
          <Step label="Last »" to={last} isOff={page >= last} state={state} />
        </Group>
      )}
    </Group>
  );
}

interface StepProps {
  readonly label: string;
  readonly to: number;
  readonly isOff: boolean;
  readonly state: ListState;
}

function Step({ label, to, isOff, state }: StepProps): ReactNode {
  return (
    <Button size="compact-sm" variant="default" disabled={isOff} onClick={() => state.goTo(to)}>
      {label}
    </Button>
  );
}

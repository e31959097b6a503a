import { Table, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { ListState } from './list-state.ts';

export interface Column<R> {
  readonly label: string;
  /** The key to sort by; without one the heading is no button. */
  readonly sortKey?: string;
  readonly render: (row: R) => ReactNode;
}

interface ColumnHeadingProps<R> {
  readonly column: Column<R>;
  readonly state: ListState;
}

export function ColumnHeading<R>({ column, state }: ColumnHeadingProps<R>): ReactNode {
  const { label, sortKey } = column;
  if (sortKey === undefined) return <Table.Th>{label}</Table.Th>;
  const [key, direction] = (state.list.sort ?? '').split(':');
  const isSorted = key === sortKey;
  const order = direction === 'asc' ? 'ascending' : 'descending';
  const Arrow = direction === 'asc' ? IconArrowUp : IconArrowDown;
  return (
    <Table.Th aria-sort={isSorted ? order : 'none'}>
      <UnstyledButton className="heading" onClick={() => state.sortBy(sortKey)}>
        {label}
        {isSorted && <Arrow size={14} aria-hidden />}
      </UnstyledButton>
    </Table.Th>
  );
}

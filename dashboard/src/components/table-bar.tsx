import { Button, Group, Kbd, TextInput } from '@mantine/core';
import { useDebouncedCallback, useHotkeys } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { type ReactNode, useRef, useState } from 'react';
import type { ListState } from './list-state.ts';

export interface BatchAction<R> {
  readonly label: string;
  readonly run: (rows: readonly R[]) => void;
}

interface TableBarProps<R> {
  readonly hasFilter: boolean;
  readonly state: ListState;
  readonly tools: ReactNode;
  readonly batch: BatchAction<R> | undefined;
  readonly chosen: readonly R[];
}

/** Filter and table actions above a table. */
export function TableBar<R>(props: TableBarProps<R>): ReactNode {
  const { batch, chosen } = props;
  return (
    <Group justify="space-between" gap="sm" className="table-bar">
      {props.hasFilter ? <FilterBox state={props.state} /> : <span />}
      <Group gap="xs">
        {props.tools}
        {batch !== undefined && (
          <Button color="red" disabled={chosen.length === 0} onClick={() => batch.run(chosen)}>
            {batch.label}
          </Button>
        )}
      </Group>
    </Group>
  );
}

/** Typing filters after a moment; `/` comes here from anywhere on the page. */
function FilterBox({ state }: { state: ListState }): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(state.list.filter ?? '');
  const apply = useDebouncedCallback((value: string) => state.filterBy(value), 250);
  useHotkeys([['/', () => input.current?.focus()]]);
  return (
    <TextInput
      ref={input}
      className="filter"
      type="search"
      aria-label="Filter by name"
      placeholder="Filter"
      value={text}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={<Kbd aria-hidden>/</Kbd>}
      onChange={(event) => {
        setText(event.currentTarget.value);
        apply(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowDown') return;
        document.querySelector<HTMLElement>('table.resources tbody tr')?.focus();
        event.preventDefault();
      }}
    />
  );
}

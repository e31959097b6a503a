/** A table of resources, as Horizon has them: ticks, actions, pages; made of data. */
import { Alert, Checkbox, Skeleton, Table, VisuallyHidden } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { Page } from '../api/page.ts';
import { ColumnHeading, type Column } from './column-heading.tsx';
import { EmptyState, type Emptiness } from './empty-state.tsx';
import type { ListState } from './list-state.ts';
import { Pager } from './pager.tsx';
import { onRowKeys } from './row-keys.ts';
import { type RowAction, RowActions } from './row-actions.tsx';
import { TableBar, type BatchAction } from './table-bar.tsx';
import { errorText } from './toasts.ts';

export type { Column } from './column-heading.tsx';

/** A page of rows, or how far the asking for it has come. */
export interface PageState<R> {
  readonly data: Page<R> | undefined;
  readonly isPending: boolean;
  readonly isError: boolean;
  readonly error: unknown;
}

export interface TableRow {
  readonly id: string;
}

interface ResourceTableProps<R extends TableRow> {
  /** For screen readers. */
  readonly caption: string;
  readonly query: PageState<R>;
  readonly state: ListState;
  readonly columns: readonly Column<R>[];
  readonly nameOf: (row: R) => string;
  readonly isPassing?: (row: R) => boolean;
  readonly actions: readonly RowAction<R>[];
  readonly batch?: BatchAction<R>;
  /** Buttons above the table. */
  readonly tools?: ReactNode;
  readonly hasFilter?: boolean;
  readonly empty: Emptiness;
}

export function ResourceTable<R extends TableRow>(props: ResourceTableProps<R>): ReactNode {
  const { query, state, batch } = props;
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const rows = query.data?.items ?? [];
  const chosen = rows.filter((row) => ticked.has(row.id));
  const tick = (ids: readonly string[], isOn: boolean): void =>
    setTicked((before) => {
      const after = new Set(before);
      for (const id of ids) {
        if (isOn) after.add(id);
        else after.delete(id);
      }
      return after;
    });
  const count = query.data?.count ?? 0;
  return (
    <section aria-label={props.caption}>
      <TableBar
        hasFilter={props.hasFilter !== false}
        state={state}
        tools={props.tools}
        batch={batch}
        chosen={chosen}
      />
      {query.isError && <LoadProblem error={query.error} />}
      {query.isPending && <TablePlaceholder />}
      {rows.length > 0 ? (
        <>
          <Pager count={count} state={state} where="above" />
          <div className="wide">
            <Rows table={props} rows={rows} chosen={chosen} tick={tick} />
          </div>
          <Pager count={count} state={state} where="below" />
        </>
      ) : (
        query.data !== undefined && <EmptyState {...props.empty} filter={state.list.filter} />
      )}
    </section>
  );
}

interface RowsProps<R extends TableRow> {
  readonly table: ResourceTableProps<R>;
  readonly rows: readonly R[];
  readonly chosen: readonly R[];
  readonly tick: (ids: readonly string[], isOn: boolean) => void;
}

function Rows<R extends TableRow>({ table, rows, chosen, tick }: RowsProps<R>): ReactNode {
  const ids = rows.map((row) => row.id);
  return (
    <Table className="resources" highlightOnHover aria-label={table.caption}>
      <Table.Thead>
        <Table.Tr>
          {table.batch !== undefined && (
            <Table.Th className="tick">
              <Checkbox
                aria-label="Select all"
                checked={chosen.length === rows.length}
                indeterminate={chosen.length > 0 && chosen.length < rows.length}
                onChange={(event) => tick(ids, event.currentTarget.checked)}
              />
            </Table.Th>
          )}
          {table.columns.map((column) => (
            <ColumnHeading key={column.label} column={column} state={table.state} />
          ))}
          {table.actions.length > 0 && <Table.Th className="actions">Actions</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody onKeyDown={onRowKeys}>
        {rows.map((row) => (
          <ResourceRow
            key={row.id}
            row={row}
            table={table}
            isTicked={chosen.includes(row)}
            onTick={(isOn) => tick([row.id], isOn)}
          />
        ))}
      </Table.Tbody>
    </Table>
  );
}

interface ResourceRowProps<R extends TableRow> {
  readonly row: R;
  readonly table: ResourceTableProps<R>;
  readonly isTicked: boolean;
  readonly onTick: (isOn: boolean) => void;
}

function ResourceRow<R extends TableRow>(props: ResourceRowProps<R>): ReactNode {
  const { row, table } = props;
  const name = table.nameOf(row);
  const passing = table.isPassing?.(row) === true;
  return (
    <Table.Tr tabIndex={0} data-id={row.id} className={passing ? 'passing' : undefined}>
      {table.batch !== undefined && (
        <Table.Td className="tick">
          <Checkbox
            aria-label={`Select ${name}`}
            checked={props.isTicked}
            onChange={(event) => props.onTick(event.currentTarget.checked)}
          />
        </Table.Td>
      )}
      {table.columns.map((column) => (
        <Table.Td key={column.label} data-label={column.label}>
          {column.render(row)}
        </Table.Td>
      ))}
      {table.actions.length > 0 && (
        <Table.Td className="actions">
          <RowActions row={row} name={name} actions={table.actions} />
        </Table.Td>
      )}
    </Table.Tr>
  );
}

export function LoadProblem({ error }: { error: unknown }): ReactNode {
  return (
    <Alert color="red" title="This could not be loaded." role="alert" my="sm">
      {errorText(error)}
    </Alert>
  );
}

function TablePlaceholder(): ReactNode {
  return (
    <div aria-busy="true">
      <VisuallyHidden>Loading</VisuallyHidden>
      {[1, 2, 3, 4].map((line) => (
        <Skeleton key={line} height={38} mt={6} />
      ))}
    </div>
  );
}

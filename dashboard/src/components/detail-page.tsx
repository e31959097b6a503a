/** The page of one thing, as Horizon has it: its name, its actions, and what is known of it. */
import { Tabs } from '@mantine/core';
import type { ReactNode } from 'react';
import { type Crumb, PageHeading } from './page-heading.tsx';
import { nameOf } from './quantities.ts';
import { LoadProblem } from './resource-table.tsx';
import { type RowAction, RowActions } from './row-actions.tsx';
import { useTab } from './tab-state.ts';

interface DetailPageProps<R> {
  /** How far the asking for it has come. */
  readonly query: { readonly data: R | undefined; readonly error: unknown };
  /** The way to it; the last is the list of all such things. */
  readonly path: readonly Crumb[];
  readonly actions: readonly RowAction<R>[];
  readonly children: (row: R) => ReactNode;
}

export function DetailPage<R extends { readonly id: string; readonly name: string | null }>(
  props: DetailPageProps<R>,
): ReactNode {
  const { query, path, actions, children } = props;
  const { data: row, error } = query;
  const list = path.at(-1);
  if (error !== null) {
    return (
      <>
        <LoadProblem error={error} />
        <a href={list?.href}>To the {list?.label.toLowerCase()}</a>
      </>
    );
  }
  if (row === undefined) return null;
  const name = nameOf(row);
  return (
    <>
      <PageHeading
        title={name}
        path={path}
        aside={<RowActions row={row} name={name} actions={actions} />}
      />
      {children(row)}
    </>
  );
}

export type TabContents = readonly (readonly [key: string, label: string, content: ReactNode])[];

/** Parts of such a page; the open one, the first without, is in the URL. */
export function PageTabs({ tabs }: { tabs: TabContents }): ReactNode {
  const [tab, setTab] = useTab(tabs[0]?.[0] ?? '');
  return (
    <Tabs value={tab} onChange={setTab} keepMounted={false}>
      <Tabs.List>
        {tabs.map(([key, label]) => (
          <Tabs.Tab key={key} value={key}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map(([key, , content]) => (
        <Tabs.Panel key={key} value={key} pt="md">
          {content}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

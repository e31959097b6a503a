import type { UseQueryResult } from '@tanstack/react-query';
import type { Page } from '../api/page.ts';
import type { PageState } from './resource-table.tsx';

/** The query of a list that is all there, as the state of one of its pages. */
export function paged<R>(
  query: UseQueryResult<readonly R[]>,
  pageOfRows: (rows: readonly R[]) => Page<R>,
): PageState<R> {
  const { data, isPending, isError, error } = query;
  return { isPending, isError, error, data: data === undefined ? undefined : pageOfRows(data) };
}

/** Page, order and filter of a table, kept in the URL so that a link shows the same. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ListQuery } from '../api/page.ts';

export interface ListSearch {
  readonly page?: number;
  readonly sort?: string;
  readonly q?: string;
}

/** What a table understands of a URL's query; anything else is passed over. */
export function readListSearch(search: Record<string, unknown>): ListSearch {
  const page = Number(search['page']);
  const { sort, q } = search;
  return {
    ...(Number.isInteger(page) && page > 1 ? { page } : {}),
    ...(typeof sort === 'string' && /^[a-z_]+:(?:asc|desc)$/.test(sort) ? { sort } : {}),
    ...(typeof q === 'string' && q !== '' ? { q: q.slice(0, 255) } : {}),
  };
}

export interface ListState {
  readonly list: ListQuery;
  readonly goTo: (page: number) => void;
  /** Ascending first, then descending, then newest first again. */
  readonly sortBy: (key: string) => void;
  readonly filterBy: (text: string) => void;
}

export function useListState(): ListState {
  const search: ListSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  const change = (changes: { [K in keyof ListSearch]: ListSearch[K] | undefined }): void => {
    const next = readListSearch({ ...search, ...changes });
    void navigate({ to: '.', search: next, replace: true });
  };
  return {
    list: { page: search.page ?? 1, sort: search.sort, filter: search.q },
    goTo: (page) => change({ page }),
    sortBy: (key) => {
      const turn: Record<string, string | undefined> = {
        [`${key}:asc`]: `${key}:desc`,
        [`${key}:desc`]: undefined,
      };
      const next = search.sort !== undefined && search.sort in turn;
      change({ page: 1, sort: next ? turn[search.sort ?? ''] : `${key}:asc` });
    },
    filterBy: (q) => change({ page: 1, q }),
  };
}

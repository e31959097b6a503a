import { queryOptions } from '@tanstack/react-query';
import { ask } from './http.ts';

interface CatalogEntry {
  readonly type: string;
  readonly name: string;
  readonly endpoints: readonly { readonly interface: string; readonly url: string }[];
}

export interface Endpoint {
  readonly type: string;
  readonly url: string;
}

/** Where the APIs are, as clients find them. */
export const catalogQuery = queryOptions({
  queryKey: ['catalog'],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: async (): Promise<readonly Endpoint[]> => {
    const { catalog } = await ask<{ catalog: CatalogEntry[] }>('/identity/v3/auth/catalog');
    return catalog.map(({ type, endpoints }) => ({
      type,
      url: endpoints.find((endpoint) => endpoint.interface === 'public')?.url ?? '',
    }));
  },
});

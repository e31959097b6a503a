/** All that is known of the server's state; the stream of changes says when to look again. */
import { QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError, Unreachable } from '../api/http.ts';

const retryDelayMs = 1500;

export const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError(error) {
      if (!(error instanceof ApiError) || error.status !== 401) return;
      queries.setQueryData(['session'], null);
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 60_000,
      refetchOnWindowFocus: false,
      // A server that is restarted is waited for; an answer that refuses is an answer.
      retry: (count, error) => error instanceof Unreachable && count < 40,
      retryDelay: retryDelayMs,
      // The server may be on this machine while the network is down.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

/**
 * Follows the server's stream of events: whatever changes there is asked for again here, so that
 * nothing is polled. While the page is hidden the stream is closed; it counts against the few
 * connections that a browser opens to one server.
 */
import type { QueryClient } from '@tanstack/react-query';

export type Liveness = 'connecting' | 'live' | 'lost';

/** Changes that come in a burst are looked at together. */
const gatherMs = 120;
const retryMs = 2000;

/** What shows figures of a table's rows under another name. */
const alsoShownIn: Readonly<Record<string, readonly string[]>> = {
  volumes: ['limits'],
  snapshots: ['limits', 'volumes'],
  backups: ['limits'],
  attachments: ['volumes'],
  jobs: ['hydration'],
  quotas: ['limits'],
};

export function followChanges(
  queries: QueryClient,
  onLiveness: (liveness: Liveness) => void,
): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  const stale = new Set<string>();
  const refresh = (): void => {
    timer = undefined;
    for (const name of stale) void queries.invalidateQueries({ queryKey: [name] });
    stale.clear();
  };
  const onChange = (event: MessageEvent<string>): void => {
    const { table } = JSON.parse(event.data) as { table: string };
    stale.add(table);
    for (const name of alsoShownIn[table] ?? []) stale.add(name);
    timer ??= setTimeout(refresh, gatherMs);
  };
  const refreshAll = (): void => {
    const others = {
      predicate: ({ queryKey }: { queryKey: readonly unknown[] }): boolean =>
        queryKey[0] !== 'session',
    };
    void queries.invalidateQueries(others);
  };
  const endSession = (): void => {
    void queries.invalidateQueries({ queryKey: ['session'] });
  };
  const close = (): void => {
    source?.close();
    source = undefined;
    clearTimeout(retry);
  };
  const open = (): void => {
    close();
    if (document.hidden) return;
    source = new EventSource('/firn/v1/events');
    source.addEventListener('open', () => onLiveness('live'));
    source.addEventListener('change', onChange);
    source.addEventListener('reset', refreshAll);
    source.addEventListener('end', endSession);
    source.addEventListener('error', () => {
      onLiveness('lost');
      // A refusal closes it for good: the session may have ended, or the server just come up.
      if (source?.readyState !== EventSource.CLOSED) return;
      endSession();
      retry = setTimeout(open, retryMs);
    });
  };
  const onVisibility = (): void => (document.hidden ? close() : open());
  document.addEventListener('visibilitychange', onVisibility);
  open();
  return () => {
    document.removeEventListener('visibilitychange', onVisibility);
    clearTimeout(timer);
    close();
  };
}

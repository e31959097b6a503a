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

/** What is asked for from many rows, and so not with each step of a backup's progress. */
const laterShownIn: Readonly<Record<string, readonly string[]>> = {
  volumes: ['protections'],
  backups: ['protections'],
  plans: ['protections'],
};
const gatherLaterMs = 2000;

export function followChanges(
  queries: QueryClient,
  onLiveness: (liveness: Liveness) => void,
): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  const soon = new Gathering(queries, gatherMs);
  const later = new Gathering(queries, gatherLaterMs);
  const onChange = (event: MessageEvent<string>): void => {
    const { table } = JSON.parse(event.data) as { table: string };
    soon.add([table, ...(alsoShownIn[table] ?? [])]);
    later.add(laterShownIn[table] ?? []);
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
    soon.end();
    later.end();
    close();
  };
}

/** Names of queries whose answers are old, asked for again together. */
class Gathering {
  readonly #queries: QueryClient;
  readonly #delayMs: number;
  readonly #stale = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(queries: QueryClient, delayMs: number) {
    this.#queries = queries;
    this.#delayMs = delayMs;
  }

  add(names: readonly string[]): void {
    if (names.length === 0) return;
    for (const name of names) this.#stale.add(name);
    this.#timer ??= setTimeout(() => this.#refresh(), this.#delayMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #refresh(): void {
    this.#timer = undefined;
    for (const name of this.#stale) void this.#queries.invalidateQueries({ queryKey: [name] });
    this.#stale.clear();
  }
}

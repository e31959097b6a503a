/**
 * One client's stream of server-sent events (the format: WHATWG HTML, section 9.2), as text.
 *
 * - `change`: a row has changed; `data` names its table, id and kind.
 * - `reset`: changes were missed, so that everything may be different. The first event of a stream
 *   without a usable `Last-Event-ID`, and of one that fell too far behind.
 * - `end`: the token is not valid any more; the stream ends.
 * - A comment now and then keeps proxies from closing an idle stream.
 */
import { isOperatingError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Change } from '../../catalog/change-feed.ts';
import { tableOf } from '../../catalog/columns.ts';
import type { Scheduler } from '../../job/scheduler.ts';
import type { EventLog } from './event-log.ts';

export const heartbeatMs = 15_000;

/** What a browser waits before it connects again, in ms. */
const retryMs = 2_000;

export interface StreamOptions {
  readonly log: EventLog;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  /** Where the client was: the id of the last event that it has seen. */
  readonly lastId: string | undefined;
  readonly isVisible: (change: Change) => boolean;
  /** Rejects with `unauthenticated` when the token is not valid any more. */
  readonly validate: () => Promise<{ readonly expiresAt: number }>;
  /** Ends the stream. */
  readonly signal: AbortSignal;
}

/** The stream, until its signal is raised or its token ends. Made as it is read. */
export async function* eventStream(options: StreamOptions): AsyncGenerator<string> {
  const { log, clock, signal } = options;
  const from = positionOf(log, options.lastId);
  let position = from ?? log.newest;
  let facts = await options.validate();
  yield `retry: ${retryMs}\n\n`;
  if (from === undefined) yield eventText(log, position, 'reset', {});
  while (!signal.aborted) {
    const event = log.after(position);
    if (event === 'dropped') {
      position = log.newest;
      yield eventText(log, position, 'reset', {});
      continue;
    }
    if (event !== undefined) {
      position = event.number;
      if (isRevocation(event.change)) facts = { expiresAt: 0 };
      if (!options.isVisible(event.change)) continue;
      yield eventText(log, position, 'change', changeView(event.change));
      continue;
    }
    if (clock.now() >= facts.expiresAt) {
      const valid = await orUndefined(options.validate());
      if (valid === undefined) {
        yield eventText(log, position, 'end', {});
        return;
      }
      facts = valid;
      continue;
    }
    const isNews = await news(options, facts.expiresAt);
    if (isNews) continue;
    facts = { expiresAt: 0 };
    yield ': still here\n\n';
  }
}

/** Any token that changed may be the one of this stream, which does not know its row. */
function isRevocation({ table, kind }: Change): boolean {
  return table === 'tokens' && kind === 'change';
}

/** True when there is an event, false when it is time for a sign of life or the token's end. */
function news(options: StreamOptions, expiresAt: number): Promise<boolean> {
  const { log, scheduler, clock, signal } = options;
  return new Promise((resolve) => {
    const done = (isNews: boolean): void => {
      leave();
      timer.cancel();
      signal.removeEventListener('abort', aborted);
      resolve(isNews);
    };
    const aborted = (): void => done(false);
    const leave = log.onNext(() => done(true));
    const waitMs = Math.max(1, Math.min(heartbeatMs, expiresAt - clock.now()));
    const timer = scheduler.after(waitMs, () => done(false));
    signal.addEventListener('abort', aborted);
    if (signal.aborted) aborted();
  });
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isOperatingError(error) && error.code === 'unauthenticated') return undefined;
    throw error;
  }
}

function positionOf(log: EventLog, lastId: string | undefined): number | undefined {
  const [run, digits = ''] = lastId?.split('.', 2) ?? [];
  if (run !== log.run || !/^\d{1,15}$/.test(digits)) return undefined;
  const number = Number(digits);
  return number <= log.newest ? number : undefined;
}

function changeView({ table, id, kind }: Change): object {
  return { table: tableOf(table).sqlName, id, kind };
}

function eventText(log: EventLog, number: number, name: string, data: object): string {
  return `id: ${log.run}.${number}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

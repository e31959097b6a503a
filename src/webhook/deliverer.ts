/**
 * Brings events to their webhooks.
 *
 * - Events of one subject arrive in their order: a later one waits until an earlier one arrived or
 *   was given up. Of different subjects none waits for another.
 * - An event arrives at least once: the same `webhook-id` tells a receiver that it knows it.
 * - What is not answered with 2xx is tried again with growing pauses, for about three days.
 * - Each attempt is taken by compare-and-swap, so that any number of processes can deliver.
 */
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { everyProject, type Catalog } from '../catalog/catalog.ts';
import type { ChangeFeed } from '../catalog/change-feed.ts';
import type { DeliveryRow } from '../catalog/plan-tables.ts';
import type { Scheduled, Scheduler } from '../job/scheduler.ts';
import { everyRow } from '../catalog/every-row.ts';
import { byId } from '../operation/scope.ts';
import { toldTables } from './event.ts';
import type { ConfiguredWebhook } from './outbox.ts';
import { post, type Posting } from './post.ts';
import { sign } from './signature.ts';

const second = 1000;
const pausesMs = [5, 30, 120, 600, 1800, 3600, 7200, 14_400].map((count) => count * second);

/** Attempts before an event is given up: the last pause counts for those that have none. */
export const attemptsMax = 24;

/** A process that took an attempt and says no more has lost it after this. */
const takenMs = 60 * second;
const roundIntervalMs = 5 * second;
const soonMs = 20;
const atOnce = 8;
const lookedAt = 100;
const keptMs = 7 * 24 * 3600 * second;

interface Target {
  readonly url: string;
  readonly secret: string;
  readonly trusted: boolean;
}

export interface DelivererParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly configured: readonly ConfiguredWebhook[];
  /** Whether users may name addresses of private networks. */
  readonly allowPrivate: boolean;
  readonly send?: (posting: Posting) => Promise<number>;
  readonly log: {
    warn(facts: object, text: string): void;
    error(facts: object, text: string): void;
  };
}

export class Deliverer {
  readonly #parts: DelivererParts;
  readonly #send: (posting: Posting) => Promise<number>;
  readonly #stopped = new AbortController();
  readonly #busy = new Map<string, Promise<void>>();
  #timer: Scheduled | undefined;
  #soon: Scheduled | undefined;
  #round: Promise<void> | undefined;
  #prunedAt = -Infinity;

  constructor(parts: DelivererParts) {
    this.#parts = parts;
    this.#send = parts.send ?? post;
  }

  /** Delivers soon after each change that may have an event; the returned function ends it. */
  follow(feed: ChangeFeed): () => void {
    return feed.subscribe((changes) => {
      if (changes.some(({ table }) => toldTables.some((told) => told === table))) this.wakeSoon();
    });
  }

  start(): void {
    this.#begin();
  }

  wakeSoon(): void {
    if (this.#soon !== undefined || this.#stopped.signal.aborted) return;
    this.#soon = this.#parts.scheduler.after(soonMs, () => {
      this.#soon = undefined;
      this.#begin();
    });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#timer?.cancel();
    this.#soon?.cancel();
    await this.#round;
    await Promise.all(this.#busy.values());
  }

  #begin(): void {
    if (this.#round !== undefined || this.#stopped.signal.aborted) return;
    this.#timer?.cancel();
    this.#round = this.round()
      .catch((error: unknown) => {
        this.#parts.log.error({ err: error }, 'a round of webhooks failed');
      })
      .finally(() => {
        this.#round = undefined;
        if (this.#stopped.signal.aborted) return;
        this.#timer = this.#parts.scheduler.after(roundIntervalMs, () => this.#begin());
      });
  }

  /** Begins all deliveries that may begin now. */
  async round(): Promise<void> {
    const { catalog, clock } = this.#parts;
    const now = clock.now();
    // Webhook by webhook, so that one which takes nothing is in nobody's way.
    for (const { id } of this.#parts.configured) await this.#roundOf(id, now);
    for await (const row of everyRow(catalog, 'webhooks', { projectId: everyProject })) {
      if (row.enabled) await this.#roundOf(row.id, now);
    }
    if (now - this.#prunedAt > 3600 * second) await this.#prune(now);
  }

  async #roundOf(webhookId: string, now: number): Promise<void> {
    const pending = await this.#parts.catalog.list('deliveries', {
      where: { projectId: everyProject, webhookId, state: 'pending' },
      sort: [{ field: 'sequence', direction: 'asc' }],
      limit: lookedAt,
    });
    const ahead = new Set<string>();
    for (const delivery of pending) {
      const key = `${delivery.webhookId} ${delivery.subjectId}`;
      if (ahead.has(key)) continue;
      ahead.add(key);
      if (this.#busy.has(key) || delivery.nextAt > now || this.#busy.size >= atOnce) continue;
      this.#busy.set(
        key,
        this.#deliver(delivery)
          .catch((error: unknown) => {
            this.#parts.log.error({ err: error }, 'a delivery could not be recorded');
          })
          .finally(() => {
            this.#busy.delete(key);
            this.wakeSoon();
          }),
      );
    }
  }

  /** Resolves when all that was begun has ended. */
  async idle(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy.values());
  }

  async #prune(now: number): Promise<void> {
    this.#prunedAt = now;
    await this.#parts.catalog.remove('deliveries', {
      projectId: everyProject,
      state: ['delivered', 'given_up'],
      updatedAt: { below: now - keptMs },
    });
    // Those of webhooks that are off, or no longer in the configuration.
    await this.#parts.catalog.remove('deliveries', {
      projectId: everyProject,
      createdAt: { below: now - 4 * keptMs },
    });
  }

  async #deliver(delivery: DeliveryRow): Promise<void> {
    const { catalog, clock } = this.#parts;
    const taken = await catalog.change(
      'deliveries',
      { ...byId(delivery.id), state: 'pending', nextAt: delivery.nextAt },
      { nextAt: clock.now() + takenMs, attempts: delivery.attempts + 1 },
    );
    if (taken === undefined) return;
    const target = await this.#targetOf(delivery);
    if (target === undefined) {
      await this.#settle(taken, { state: 'given_up', lastStatus: 'the webhook is gone' });
      return;
    }
    const { arrived, lastStatus } = await this.#attempt(delivery, target);
    if (arrived) {
      await this.#settle(taken, { state: 'delivered', lastStatus });
    } else if (taken.attempts >= attemptsMax) {
      this.#parts.log.error({ webhookId: delivery.webhookId, lastStatus }, 'a webhook is given up');
      await this.#settle(taken, { state: 'given_up', lastStatus });
    } else {
      const pause = pausesMs[taken.attempts - 1] ?? pausesMs.at(-1) ?? 0;
      const nextAt = this.#stopped.signal.aborted ? clock.now() : clock.now() + pause;
      await this.#settle(taken, { nextAt, lastStatus });
    }
  }

  async #settle(taken: DeliveryRow, changes: Partial<DeliveryRow>): Promise<void> {
    const { catalog, clock } = this.#parts;
    const where = { ...byId(taken.id), state: 'pending' as const, nextAt: taken.nextAt };
    await catalog.change('deliveries', where, { ...changes, updatedAt: clock.now() });
  }

  async #targetOf({ webhookId }: DeliveryRow): Promise<Target | undefined> {
    const configured = this.#parts.configured.find(({ id }) => id === webhookId);
    if (configured !== undefined) return { ...configured, trusted: true };
    const row = await this.#parts.catalog.find('webhooks', byId(webhookId));
    if (row === undefined || !row.enabled) return undefined;
    return { url: row.url, secret: row.secret, trusted: this.#parts.allowPrivate };
  }

  async #attempt(
    { id, event }: DeliveryRow,
    { url, secret, trusted }: Target,
  ): Promise<{ arrived: boolean; lastStatus: string }> {
    const body = JSON.stringify(event);
    const timestamp = Math.floor(this.#parts.clock.now() / second);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Firn-Webhooks',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': sign(secret, id, timestamp, body),
    };
    const { signal } = this.#stopped;
    try {
      const status = await this.#send({ url, headers, body, trusted, signal });
      return { arrived: status >= 200 && status < 300, lastStatus: `HTTP ${status}` };
    } catch (error) {
      return { arrived: false, lastStatus: messageOf(error).slice(0, 200) };
    }
  }
}

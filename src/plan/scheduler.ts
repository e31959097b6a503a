/**
 * The scheduler of plans: one a process, any number on one catalogue.
 *
 * - A round looks how the runs came out that are running, and starts those that are due: rows of
 *   `protections` in the order of their time, each taken by compare-and-swap.
 * - However much is due at once, such as after a stop, only so many backups and verifications run
 *   at a time; a volume that missed many times has one run.
 * - A round is made every few seconds, and at once when something changed that it looks at.
 */
import type { Clock } from '../base/clock.ts';
import { everyProject } from '../catalog/catalog.ts';
import type { ChangeFeed } from '../catalog/change-feed.ts';
import type { TableName } from '../catalog/tables.ts';
import type { PlanRow, PlanRunRow, ProtectionRow } from '../catalog/plan-tables.ts';
import { byId } from '../operation/scope.ts';
import type { Scheduled, Scheduler } from '../job/scheduler.ts';
import { expire } from './expire.ts';
import { finishRun } from './finish-run.ts';
import { reconcile, syncVolume } from './membership.ts';
import type { PlanNeeds } from './needs.ts';
import { madeBy } from './plan.ts';
import { launch, outcomeOf, refusalOf, startRun } from './run.ts';

const roundIntervalMs = 15_000;
const soonMs = 250;

/** A change of these tables may end a run, begin one, or bring a volume under a plan. */
const lookedAt: readonly TableName[] = ['volumes', 'snapshots', 'backups', 'plans', 'protections'];

const reconcileIntervalMs = 5 * 60_000;
const dueRowsMax = 100;
const runningMax = 1000;
const runsKeptDays = 400;

/** A clock that is this much behind what it was has been set back. */
const setBackMs = 60_000;

export interface SchedulerParts {
  readonly needs: PlanNeeds;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** How many backups, verifications and drills of plans run at a time on the catalogue. */
  readonly runsAtOnce: number;
  readonly log: { error(facts: object, text: string): void };
}

export interface Round {
  readonly started: number;
  readonly finished: number;
}

export class PlanScheduler {
  readonly #parts: SchedulerParts;
  readonly #changedVolumes = new Set<string>();
  #timer: Scheduled | undefined;
  #soon: Scheduled | undefined;
  #working: Promise<void> | undefined;
  #again = false;
  #state: 'new' | 'started' | 'stopped' = 'new';
  #reconciledAt = -Infinity;
  #latest = -Infinity;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#state = 'started';
    this.wake();
  }

  /** Makes no more rounds, and resolves when the one that is made has ended. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#timer?.cancel();
    this.#soon?.cancel();
    await this.#working;
  }

  /** Makes rounds soon after changes that may matter; the returned function ends it. */
  follow(feed: ChangeFeed): () => void {
    return feed.subscribe((changes) => {
      for (const { table, id } of changes) {
        if (table === 'volumes') this.#changedVolumes.add(id);
        // A round changes protections itself.
        const matters = table !== 'protections' || this.#working === undefined;
        if (matters && lookedAt.includes(table)) this.#wakeSoon();
      }
    });
  }

  /** Makes a round now. */
  wake(): void {
    if (this.#state !== 'started') return;
    this.#again = true;
    this.#working ??= this.#work();
  }

  #wakeSoon(): void {
    if (this.#soon !== undefined || this.#state !== 'started') return;
    this.#soon = this.#parts.scheduler.after(soonMs, () => {
      this.#soon = undefined;
      this.wake();
    });
  }

  async #work(): Promise<void> {
    while (this.#again && this.#state === 'started') {
      this.#again = false;
      try {
        await this.round();
      } catch (error) {
        this.#parts.log.error({ err: error }, 'a round of plans failed');
      }
    }
    this.#working = undefined;
    if (this.#state !== 'started') return;
    this.#timer?.cancel();
    this.#timer = this.#parts.scheduler.after(roundIntervalMs, () => this.wake());
  }

  /** One round, by itself. */
  async round(): Promise<Round> {
    await this.#follow();
    const running = await this.#running();
    const ended = await Promise.all(running.map((run) => this.#look(run)));
    const finished = ended.filter(Boolean).length;
    const heavy = running.filter((run, index) => !ended[index] && run.action !== 'snapshot').length;
    return { finished, started: await this.#startDue(heavy) };
  }

  /** Follows what changed: volumes that were told of, and from time to time everything. */
  async #follow(): Promise<void> {
    const { needs, clock } = this.#parts;
    const now = clock.now();
    const isSetBack = now < this.#latest - setBackMs;
    this.#latest = now;
    if (isSetBack || now - this.#reconciledAt >= reconcileIntervalMs) {
      this.#reconciledAt = now;
      this.#changedVolumes.clear();
      await reconcile(needs);
      await this.#prune(now);
      return;
    }
    const changed = [...this.#changedVolumes];
    this.#changedVolumes.clear();
    for (const volumeId of changed) await syncVolume(needs, volumeId);
  }

  async #prune(now: number): Promise<void> {
    await this.#parts.needs.catalog.remove('planRuns', {
      projectId: everyProject,
      createdAt: { below: now - runsKeptDays * 86_400_000 },
      state: ['done', 'failed', 'skipped'],
    });
  }

  async #running(): Promise<PlanRunRow[]> {
    return await this.#parts.needs.catalog.list('planRuns', {
      where: { projectId: everyProject, state: 'running' },
      sort: [{ field: 'createdAt', direction: 'asc' }],
      limit: runningMax,
    });
  }

  /** Ends a run that came out; true when it is over. */
  async #look(run: PlanRunRow): Promise<boolean> {
    const { needs } = this.#parts;
    const { catalog } = needs;
    const outcome = await outcomeOf(needs, run);
    if (outcome === undefined) return false;
    const plan = await catalog.find('plans', byId(run.planId));
    if (outcome === 'relaunch') {
      if (plan === undefined) {
        return await finishRun(needs, run, { state: 'skipped', error: 'The plan is gone.' });
      }
      await this.#launch(plan, run);
      return false;
    }
    if (!(await finishRun(needs, run, outcome))) return true;
    if (outcome.state === 'done' && plan !== undefined && madeBy(plan.action) !== undefined) {
      const deleted = await expire(needs, plan, run.volumeId);
      if (deleted > 0) await catalog.change('planRuns', byId(run.id), { deleted });
    }
    return true;
  }

  async #startDue(heavyRunning: number): Promise<number> {
    const { needs, clock, runsAtOnce } = this.#parts;
    const due = await needs.catalog.list('protections', {
      where: { projectId: everyProject, nextAt: { atMost: clock.now() } },
      sort: [{ field: 'nextAt', direction: 'asc' }],
      limit: dueRowsMax,
    });
    const plans = new Map<string, PlanRow | undefined>();
    let started = 0;
    let heavy = heavyRunning;
    for (const protection of due) {
      const plan = await this.#planOf(protection, plans);
      if (plan === undefined || !plan.enabled) continue;
      if (plan.action !== 'snapshot' && heavy >= runsAtOnce) continue;
      const run = await startRun(needs, plan, protection);
      if (run === undefined) continue;
      started += 1;
      if (plan.action !== 'snapshot') heavy += 1;
      await this.#launch(plan, run);
    }
    return started;
  }

  async #planOf(
    { planId }: ProtectionRow,
    known: Map<string, PlanRow | undefined>,
  ): Promise<PlanRow | undefined> {
    if (planId === null) return undefined;
    if (!known.has(planId)) {
      known.set(planId, await this.#parts.needs.catalog.find('plans', byId(planId)));
    }
    return known.get(planId);
  }

  async #launch(plan: PlanRow, run: PlanRunRow): Promise<void> {
    const { needs, log } = this.#parts;
    try {
      await launch(needs, plan, run);
    } catch (error) {
      log.error({ err: error, requestId: run.requestId, plan: plan.name }, 'a run did not begin');
      await finishRun(needs, run, refusalOf(error));
    }
  }
}

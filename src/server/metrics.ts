/**
 * Metrics in Prometheus' text format: is everything protected, proven, in time; is anything stuck;
 * how fast; how full. They count; no name or id of anybody's volume is in them.
 *
 * What has to be counted row by row is counted once a minute while somebody asks, and served as it
 * was then: who asks does not wait for it.
 */
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { must } from '../base/assert.ts';
import { version } from '../base/version.ts';
import { everyProject } from '../catalog/catalog.ts';
import type { OperationNeeds } from '../operation/needs.ts';
import { pruneKind } from '../operation/backup/prune-repository.ts';
import { takeCensus, type Census } from '../plan/census.ts';
import type { RetryCounts } from './retry-counts.ts';

const censusMs = 60_000;
const overdueMs = 15 * 60_000;

/** Prunes that are looked at for the last one of each container. */
const prunesMax = 200;

interface Needs extends Pick<OperationNeeds, 'catalog' | 'clock' | 'hostSpace'> {
  readonly retries: RetryCounts;
}

export class Metrics {
  readonly #needs: Needs;
  readonly #registry = new Registry();
  readonly #requests: Histogram;
  readonly #gauges = new Map<string, Gauge>();
  #census: { readonly at: number; readonly counted: Census } | undefined;
  #counting: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(needs: Needs) {
    this.#needs = needs;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    // Gauges by the name of counters, which Prometheus' own check minds.
    for (const kind of ['handles', 'requests', 'resources']) {
      this.#registry.removeSingleMetric(`nodejs_active_${kind}_total`);
    }
    this.#requests = new Histogram({
      name: 'firn_http_request_duration_seconds',
      help: 'Time to answer a request',
      labelNames: ['method', 'face', 'status'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
    this.#registry.registerMetric(retriesCounter(needs.retries));
    new Gauge({ name: 'firn_info', help: 'Release', labelNames: ['version'], registers }).set(
      { version },
      1,
    );
  }

  /** Measures all requests of `app`, and serves `/metrics`. */
  serve(app: FastifyInstance): void {
    app.addHook('onListen', () => void this.count());
    app.addHook('onResponse', async (request, reply) => {
      const face = request.url.split(/[/?]/, 2)[1] ?? '';
      const known = ['identity', 'volume', 'image', 'firn'].includes(face) ? face : 'other';
      const status = `${Math.floor(reply.statusCode / 100)}xx`;
      const labels = { method: request.method, face: known, status };
      this.#requests.observe(labels, reply.elapsedTime / 1000);
    });
    app.get('/metrics', async (_request, reply) => {
      reply.type(this.#registry.contentType);
      return await this.text();
    });
  }

  async text(): Promise<string> {
    await Promise.all([
      this.#countJobs(),
      this.#countPrunes(),
      this.#countRows(),
      this.#countSpace(),
      this.#protect(),
    ]);
    return await this.#registry.metrics();
  }

  #set(name: string, help: string, value: number, labels: Record<string, string> = {}): void {
    let gauge = this.#gauges.get(name);
    if (gauge === undefined) {
      const labelNames = Object.keys(labels);
      gauge = new Gauge({ name, help, labelNames, registers: [this.#registry] });
      this.#gauges.set(name, gauge);
    }
    gauge.set(labels, value);
  }

  async #countJobs(): Promise<void> {
    const { catalog, clock } = this.#needs;
    const now = clock.now();
    for (const state of ['queued', 'running'] as const) {
      const count = await catalog.count('jobs', { state });
      this.#set('firn_jobs', 'Background jobs that are not over', count, { state });
    }
    const stuck = await catalog.count('jobs', { state: 'running', leaseExpiresAt: { below: now } });
    this.#set('firn_jobs_abandoned', 'Running jobs whose process is gone', stuck);
    const [oldest] = await catalog.list('jobs', {
      where: { state: ['queued', 'running'] },
      sort: [{ field: 'createdAt', direction: 'asc' }],
      limit: 1,
    });
    const age = oldest === undefined ? 0 : (now - oldest.createdAt) / 1000;
    this.#set('firn_jobs_oldest_seconds', 'Age of the oldest job that is not over', age);
  }

  async #countPrunes(): Promise<void> {
    const prunes = await this.#needs.catalog.list('jobs', {
      where: { kind: pruneKind, state: ['done', 'failed'] },
      sort: [{ field: 'createdAt', direction: 'desc' }],
      limit: prunesMax,
    });
    const last = new Map(prunes.toReversed().map(({ subjectId, state }) => [subjectId, state]));
    const failed = last.values().reduce((sum, state) => sum + Number(state === 'failed'), 0);
    this.#set('firn_repositories_unpruned', 'Containers whose last prune failed', failed);
  }

  async #countRows(): Promise<void> {
    const { catalog } = this.#needs;
    const all = { projectId: everyProject } as const;
    const broken = { ...all, status: ['error', 'error_deleting'] } as const;
    for (const table of ['volumes', 'snapshots', 'backups'] as const) {
      this.#set(`firn_${table}`, `All ${table}`, await catalog.count(table, all));
      const errors = await catalog.count(table, { ...broken, status: [...broken.status] });
      this.#set(`firn_${table}_in_error`, `${table} in an error`, errors);
    }
    const making = { ...all, status: 'creating' } as const;
    const done = await catalog.sum('backups', 'bytesDone', making);
    const total = await catalog.sum('backups', 'bytesTotal', making);
    this.#set('firn_backups_running', 'Backups being made', await catalog.count('backups', making));
    this.#set('firn_backups_running_bytes_done', 'Bytes read by backups being made', done);
    this.#set('firn_backups_running_bytes_planned', 'Bytes that those have to read', total);
    const pending = await catalog.count('deliveries', { ...all, state: 'pending' });
    this.#set('firn_webhook_deliveries_pending', 'Events on their way to webhooks', pending);
  }

  async #countSpace(): Promise<void> {
    const { catalog, hostSpace } = this.#needs;
    const { totalBytes, freeBytes } = await hostSpace();
    this.#set('firn_data_size_bytes', 'Size of the file system of the volumes', totalBytes);
    this.#set('firn_data_free_bytes', 'What is free there', freeBytes);
    const stored = await catalog.sum('backups', 'bytesStored', { projectId: everyProject });
    this.#set('firn_backups_stored_bytes', 'What backups brought into the store', stored);
  }

  async #protect(): Promise<void> {
    const { catalog, clock } = this.#needs;
    const now = clock.now();
    for (const state of ['waiting', 'running', 'retrying', 'failing', 'unknown_plan'] as const) {
      const count = await catalog.count('protections', { projectId: everyProject, state });
      this.#set('firn_protections', 'Volumes under plans, by how they fare', count, { state });
    }
    const overdue = await catalog.count('protections', {
      projectId: everyProject,
      nextAt: { below: now - overdueMs },
    });
    this.#set('firn_protections_overdue', 'Runs of plans 15 minutes late', overdue);
    const census = await this.#censusAt(now);
    this.#set('firn_volumes_unprotected', 'Volumes without a backup plan', census.unprotected);
    this.#set('firn_volumes_unproven', 'Volumes without a verified backup', census.unproven);
    this.#set('firn_volumes_late', 'Volumes whose last good backup is too old', census.late);
    this.#set('firn_backups_damaged', 'Backups that were found damaged', census.damaged);
  }

  async #censusAt(now: number): Promise<Census> {
    const age = now - (this.#census?.at ?? -Infinity);
    if (age >= censusMs || age < 0) {
      const counting = this.count();
      if (this.#census === undefined) await counting;
    }
    // Of the last one; the next has begun.
    if (this.#failure !== undefined) throw this.#failure.error;
    return must(this.#census, 'a census').counted;
  }

  /** Takes the census that scrapes show, if nobody does just now; the first at the start. */
  count(): Promise<void> {
    this.#counting ??= this.#take().finally(() => (this.#counting = undefined));
    return this.#counting;
  }

  async #take(): Promise<void> {
    const at = this.#needs.clock.now();
    try {
      this.#census = { at, counted: await takeCensus(this.#needs) };
      this.#failure = undefined;
    } catch (error) {
      this.#failure = { error };
    }
  }
}

/** How often requests to the stores were tried again. */
function retriesCounter(retries: RetryCounts): Counter {
  return new Counter({
    name: 'firn_store_retries_total',
    help: 'Requests to a store that were tried again, by the error that came before',
    labelNames: ['store', 'reason'],
    registers: [],
    collect() {
      this.reset();
      for (const { store, reason, count } of retries.all()) this.inc({ store, reason }, count);
    },
  });
}

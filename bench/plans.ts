/**
 * The speed of plans: `npm run bench:plans`. Medians of some rounds, with 10,000 volumes under
 * plans, on a catalogue in a temporary folder.
 */
import { newId } from '../src/base/ids.ts';
import { monotonicMs } from '../src/base/clock.ts';
import { sampleBackup, sampleVolume } from '../src/catalog/sample-rows.ts';
import type { PlanRow } from '../src/catalog/plan-tables.ts';
import { type PlanScene, openPlanScene } from '../src/plan/plan-fixture.ts';
import { reconcile } from '../src/plan/membership.ts';
import { backupItem } from '../src/plan/items.ts';
import { judge } from '../src/plan/what-if.ts';
import { Metrics } from '../src/server/metrics.ts';
import { RetryCounts } from '../src/server/retry-counts.ts';

const volumeCount = 10_000;
const roundCount = 15;
const hourMs = 3_600_000;

/** Milliseconds: on the clock, and of work of the processor, which a busy machine changes less. */
interface Taken {
  readonly wall: number;
  readonly cpu: number;
}

async function taken(work: () => unknown): Promise<Taken> {
  const began = monotonicMs();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: monotonicMs() - began, cpu: (user + system) / 1000 };
}

function middle(all: readonly Taken[]): Taken {
  const of = (key: keyof Taken): number =>
    all.map((each) => each[key]).sort((one, other) => one - other)[all.length >> 1] ?? 0;
  return { wall: of('wall'), cpu: of('cpu') };
}

async function median(work: () => unknown): Promise<Taken> {
  const all: Taken[] = [];
  for (let round = 0; round < roundCount; round += 1) all.push(await taken(work));
  return middle(all);
}

function say(what: string, { wall, cpu }: Taken, goalMs: number): void {
  const cells = [what, wall.toFixed(1), cpu.toFixed(1), String(goalMs)];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

async function fill(scene: PlanScene): Promise<void> {
  await scene.plan({ name: 'hourly', schedule: 'hourly', spreadMinutes: 55 });
  await scene.catalog.transact(async (transaction) => {
    for (let index = 0; index < volumeCount; index += 1) {
      await transaction.insert('volumes', sampleVolume({ id: newId(), projectId: 'alpha' }));
    }
  });
  await reconcile(scene.needs);
  // As if all had had their first run, each at its own minute.
  const rows = { projectId: 'alpha', state: 'waiting' } as const;
  const minute = hourMs / 60;
  for (let index = 0; index < 10; index += 1) {
    const page = await scene.catalog.list('protections', {
      where: { ...rows, nextAt: { atMost: scene.clock.now() } },
      limit: 1000,
    });
    await scene.catalog.transact(async (transaction) => {
      for (const [at, { id }] of page.entries()) {
        const nextAt = scene.clock.now() + minute + at * 3000;
        await transaction.change('protections', { id, projectId: 'alpha' }, { nextAt });
      }
    });
  }
}

function fiveYears(plan: PlanRow, now: number): number {
  const row = sampleBackup({ id: 'x', projectId: 'alpha', volumeId: 'v', bytesStored: 1000 });
  const items = Array.from({ length: 5 * 365 * 24 }, (_none, index) => {
    const facts = { id: String(index), dataTimestamp: now - index * hourMs };
    return backupItem({ ...row, ...facts }, new Set());
  });
  return judge(plan, { now, until: now + 365 * 24 * hourMs, items, volumeIds: ['v'] }).items.length;
}

process.stdout.write('| what | ms | ms of CPU | goal |\n|---|---:|---:|---:|\n');
const endings: (() => Promise<void>)[] = [];
const ending = { after: (end: () => Promise<void>) => void endings.push(end) };
const scene = await openPlanScene(ending);
await fill(scene);
await scene.scheduler.round();
const idle = await median(() => scene.scheduler.round());
say('a scheduling round, 10,000 volumes under a plan, none due', idle, 100);
const whole = await median(() => reconcile(scene.needs));
say('what one round in five minutes also does: look at them all', whole, 100);
const due: Taken[] = [];
for (let round = 0; round < roundCount; round += 1) {
  scene.clock.set(scene.clock.now() + 15_000);
  let started = 0;
  const all = await taken(async () => ({ started } = await scene.scheduler.round()));
  const each = Math.max(1, started);
  due.push({ wall: all.wall / each, cpu: all.cpu / each });
  await scene.work();
  await scene.scheduler.round();
}
say('each run that a round begins, with its backup asked for', middle(due), 100);
const [plan] = await scene.catalog.list('plans', { where: { projectId: 'alpha' }, limit: 1 });
if (plan === undefined) throw new Error('there is a plan');
const rules = { ...plan, retention: { hourly: 48, daily: 30, weekly: 12, monthly: 24, yearly: 7 } };
const judged = await median(() => fiveYears(rules, scene.clock.now()));
say('what if: five years of hourly backups, and a year to come', judged, 200);
const berlin = { ...rules, timeZone: 'Europe/Berlin' };
say('the same in a time zone', await median(() => fiveYears(berlin, scene.clock.now())), 200);
const hostSpace = async () => ({ totalBytes: 1, freeBytes: 1 });
const metrics = new Metrics({ ...scene.needs, hostSpace, retries: new RetryCounts() });
say(
  'the first count for metrics, beside what else starts',
  await taken(() => metrics.count()),
  100,
);
say('metrics, the very first scrape', await taken(() => metrics.text()), 50);
say('metrics, those after it', await median(() => metrics.text()), 50);
for (const end of endings) await end();

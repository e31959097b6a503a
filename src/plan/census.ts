/** How well all volumes together are protected. */
import { everyProject } from '../catalog/catalog.ts';
import type { PlanRow } from '../catalog/plan-tables.ts';
import { everyPick, everyRow } from '../catalog/every-row.ts';
import type { Changing } from '../operation/needs.ts';
import { scheduleOf } from './plan.ts';
import { isLate } from './protection.ts';

export interface Census {
  readonly volumes: number;
  /** No backup plan that is on. */
  readonly unprotected: number;
  /** Under a backup plan whose last good run is too long ago. */
  readonly late: number;
  /** No backup that was read back and found good. */
  readonly unproven: number;
  /** Backups that were read back and found damaged. */
  readonly damaged: number;
}

/** Goes through all rows, page by page. */
export async function takeCensus({ catalog, clock }: Changing): Promise<Census> {
  const now = clock.now();
  const all = { projectId: everyProject } as const;
  const plans = new Map<string, { plan: PlanRow; interval: number }>();
  for await (const plan of everyRow(catalog, 'plans', all)) {
    if (plan.enabled && plan.action === 'backup') {
      plans.set(plan.id, { plan, interval: scheduleOf(plan).interval(now) });
    }
  }
  const protectedIds = new Set<string>();
  const lateIds = new Set<string>();
  const facts = ['planId', 'volumeId', 'lastGoodAt', 'createdAt'] as const;
  for await (const row of everyPick(catalog, 'protections', facts, all)) {
    const known = plans.get(row.planId ?? '');
    if (known === undefined) continue;
    protectedIds.add(row.volumeId);
    if (isLate(row, known.interval, now)) lateIds.add(row.volumeId);
  }
  const provenIds = new Set<string>();
  let damaged = 0;
  const verified = { ...all, verifiedAt: { above: 0 } };
  const proof = ['volumeId', 'verification'] as const;
  for await (const backup of everyPick(catalog, 'backups', proof, verified)) {
    if (backup.verification?.outcome === 'damaged') damaged += 1;
    else provenIds.add(backup.volumeId);
  }
  let volumes = 0;
  let unprotected = 0;
  let unproven = 0;
  for await (const { id } of everyPick(catalog, 'volumes', [], all)) {
    volumes += 1;
    if (!protectedIds.has(id)) unprotected += 1;
    if (!provenIds.has(id)) unproven += 1;
  }
  return { volumes, unprotected, unproven, late: lateIds.size, damaged };
}

/** How well all volumes together are protected. */
import { everyProject, type Where } from '../catalog/catalog.ts';
import { everyPick, everyRow } from '../catalog/every-row.ts';
import type { Changing } from '../operation/needs.ts';
import { scheduleOf } from './plan.ts';
import { pairOf } from './membership.ts';
import { lateAt } from './protection.ts';

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
  const plans = new Map<string, { interval: number }>();
  for await (const plan of everyRow(catalog, 'plans', all)) {
    if (plan.enabled && plan.action === 'backup') {
      plans.set(plan.id, { interval: scheduleOf(plan).interval(now) });
    }
  }
  const protectedIds = new Set<string>();
  for await (const { id } of everyPick(catalog, 'protections', [], all)) {
    const { planId, volumeId } = pairOf(id);
    if (plans.has(planId)) protectedIds.add(volumeId);
  }
  const lateIds = new Set<string>();
  for (const [planId, { interval }] of plans) {
    const where = { ...all, planId, anyOf: lateBefore(lateAt(interval, now)) };
    for await (const { id } of everyPick(catalog, 'protections', [], where)) {
      lateIds.add(pairOf(id).volumeId);
    }
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

/** The last good run, or the beginning where there was none, was before `at`. */
function lateBefore(at: number): Omit<Where<'protections'>, 'projectId' | 'anyOf'>[] {
  return [{ lastGoodAt: { below: at } }, { lastGoodAt: null, createdAt: { below: at } }];
}

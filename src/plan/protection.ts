/** How well each volume is protected, in one word and one sentence. */
import type { CatalogReader } from '../catalog/catalog.ts';
import type { PlanRow, ProtectionRow } from '../catalog/plan-tables.ts';
import type { BackupRow, VolumeRow } from '../catalog/tables.ts';
import type { Caller } from '../identity/caller.ts';
import { authorize } from '../identity/policy.ts';
import type { Changing } from '../operation/needs.ts';
import { readPage, type PageOf, type PageRequest } from '../operation/page.ts';
import { ofVolume } from '../operation/scope.ts';
import { plansOf } from './membership.ts';
import { madeBy, scheduleOf } from './plan.ts';

/** `proven`: protected, and a backup was read back and found good. */
export type Shield = 'proven' | 'protected' | 'unprotected' | 'failing';

export interface VolumeProtection {
  readonly volume: VolumeRow;
  readonly shield: Shield;
  /** Why, in one sentence. */
  readonly reason: string;
  readonly protections: readonly ProtectionRow[];
  readonly lastBackup: BackupRow | undefined;
  readonly lastVerified: BackupRow | undefined;
}

/** A backup plan that has had no good run for so many of its intervals is late. */
const lateIntervals = 2;
const hourMs = 3_600_000;

/** A page of the volumes of the caller's project, each with its shield. */
export async function listProtection(
  { catalog, clock }: Changing,
  caller: Caller,
  page: PageRequest<'volumes'>,
): Promise<{ page: PageOf<'volumes'>; rows: VolumeProtection[] }> {
  authorize(caller, 'firn:get_plan');
  const { projectId } = caller;
  const found = await readPage(catalog, 'volumes', { projectId }, page, (id) =>
    catalog.find('volumes', { id, projectId }),
  );
  const plans = new Map((await plansOf(catalog, projectId)).map((plan) => [plan.id, plan]));
  const rows: VolumeProtection[] = [];
  for (const volume of found.rows) {
    rows.push(await protectionOf(catalog, volume, plans, clock.now()));
  }
  return { page: found, rows };
}

export async function protectionOf(
  reader: CatalogReader,
  volume: VolumeRow,
  plans: ReadonlyMap<string, PlanRow>,
  now: number,
): Promise<VolumeProtection> {
  const where = ofVolume(volume.id);
  const protections = await reader.list('protections', { where, limit: 100 });
  const newest = { sort: [{ field: 'dataTimestamp', direction: 'desc' }], limit: 1 } as const;
  const there = ['available', 'restoring'] as const;
  const [lastBackup] = await reader.list('backups', {
    where: { ...where, status: there },
    ...newest,
  });
  const verified = { ...where, status: there, verifiedAt: { above: 0 } };
  const [lastVerified] = await reader.list('backups', { where: verified, ...newest });
  const facts = { volume, protections, lastBackup, lastVerified };
  return { ...facts, ...judge(facts, plans, now) };
}

function judge(
  facts: Omit<VolumeProtection, 'shield' | 'reason'>,
  plans: ReadonlyMap<string, PlanRow>,
  now: number,
): { shield: Shield; reason: string } {
  const { volume, protections, lastBackup, lastVerified } = facts;
  const damaged = lastBackup?.verification?.outcome === 'damaged';
  if (damaged) return { shield: 'failing', reason: 'The newest backup is damaged.' };
  const failing = protections.find(({ state }) => state === 'failing' || state === 'unknown_plan');
  if (failing !== undefined) {
    return { shield: 'failing', reason: failing.lastError ?? 'The last runs failed.' };
  }
  if (volume.status === 'error') {
    return { shield: 'failing', reason: 'The volume itself is in an error.' };
  }
  const backups = protections.flatMap((protection) => {
    const plan = plans.get(protection.planId ?? '');
    return plan !== undefined && plan.enabled && madeBy(plan.action) === 'backup'
      ? [{ protection, plan }]
      : [];
  });
  const [first] = backups;
  if (first === undefined) {
    const last =
      lastBackup === undefined
        ? 'There is no backup of it'
        : `The last backup is ${agoOf(lastBackup, now)}`;
    return { shield: 'unprotected', reason: `${last}, and no plan makes new ones.` };
  }
  if (lastBackup === undefined) {
    return { shield: 'unprotected', reason: 'The first backup has not been made yet.' };
  }
  const interval = scheduleOf(first.plan).interval(now);
  if (isLate(first.protection, interval, now)) {
    return { shield: 'failing', reason: `The last backup is ${agoOf(lastBackup, now)}: too old.` };
  }
  const made = `backed up ${agoOf(lastBackup, now)}`;
  const proof = lastVerified?.verification;
  if (proof?.outcome === 'good' || proof?.outcome === 'healed') {
    const when = agoText(now - proof.at);
    return { shield: 'proven', reason: `It was ${made}, and read back and checked ${when}.` };
  }
  return { shield: 'protected', reason: `It was ${made}; no backup has been checked yet.` };
}

/** True when the last good run of a plan is so long ago that one must have been missed. */
function isLate(row: ProtectionRow, interval: number, now: number): boolean {
  return (row.lastGoodAt ?? row.createdAt) < lateAt(interval, now);
}

/** Whoever's last good run was before is late. */
export function lateAt(interval: number, now: number): number {
  return now - lateIntervals * interval - hourMs;
}

function agoOf(backup: BackupRow, now: number): string {
  return agoText(now - backup.dataTimestamp);
}

/** A duration that has passed, in words. */
export function agoText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return counted(minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return counted(hours, 'hour');
  return counted(Math.floor(hours / 24), 'day');
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}

/** What a plan made, as retention sees it. */
import { everyProject, type CatalogReader } from '../catalog/catalog.ts';
import type { PlanItemRow, PlanRow } from '../catalog/plan-tables.ts';
import type { BackupRow, SnapshotRow } from '../catalog/tables.ts';
import { everyRow } from '../catalog/every-row.ts';
import type { Item } from './retention.ts';

/** A thing that a plan made, with its row. */
export interface MadeItem extends Item {
  readonly kind: 'snapshot' | 'backup';
  readonly volumeId: string;
  readonly row: SnapshotRow | BackupRow;
}

const idsAtOnce = 500;

/** In these statuses a snapshot or backup is there whole, whoever reads it just now. */
const whole: readonly string[] = ['available', 'backing-up', 'restoring'];

/** What is there of what a plan made, of one volume or of all; and the notes of what is gone. */
export async function itemsOf(
  reader: CatalogReader,
  plan: Pick<PlanRow, 'id' | 'projectId'>,
  volumeId: string | undefined,
): Promise<{ items: MadeItem[]; gone: string[] }> {
  const of = { projectId: plan.projectId, planId: plan.id };
  const notes: PlanItemRow[] = [];
  const where = volumeId === undefined ? of : { ...of, volumeId };
  for await (const note of everyRow(reader, 'planItems', where)) notes.push(note);
  return await withRows(reader, notes);
}

async function withRows(
  reader: CatalogReader,
  notes: readonly PlanItemRow[],
): Promise<{ items: MadeItem[]; gone: string[] }> {
  const items: MadeItem[] = [];
  const gone: string[] = [];
  for (let from = 0; from < notes.length; from += idsAtOnce) {
    const batch = notes.slice(from, from + idsAtOnce);
    const ids = batch.map(({ id }) => id);
    const where = { id: ids, projectId: everyProject } as const;
    const snapshots = await reader.list('snapshots', { where, limit: idsAtOnce });
    const backups = await reader.list('backups', { where, limit: idsAtOnce });
    const held = await heldAmong(reader, [...ids, ...batch.map(({ volumeId }) => volumeId)]);
    const rows = new Map([
      ...snapshots.map((row) => [row.id, snapshotItem(row, held)] as const),
      ...backups.map((row) => [row.id, backupItem(row, held)] as const),
    ]);
    for (const { id } of batch) {
      const item = rows.get(id);
      if (item === undefined) gone.push(id);
      else items.push(item);
    }
  }
  return { items, gone };
}

async function heldAmong(
  reader: CatalogReader,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const unique = [...new Set(ids)];
  const held = new Set<string>();
  for (let from = 0; from < unique.length; from += idsAtOnce) {
    const id = unique.slice(from, from + idsAtOnce);
    const rows = await reader.list('holds', {
      where: { id, projectId: everyProject },
      limit: idsAtOnce,
    });
    for (const row of rows) held.add(row.id);
  }
  return held;
}

function snapshotItem(row: SnapshotRow, held: ReadonlySet<string>): MadeItem {
  return {
    id: row.id,
    kind: 'snapshot',
    volumeId: row.volumeId,
    at: row.createdAt,
    good: whole.includes(row.status),
    verified: false,
    held: held.has(row.id) || held.has(row.volumeId),
    row,
  };
}

/** A backup that was found damaged is no good one, and no longer in the way of older ones. */
export function backupItem(row: BackupRow, held: ReadonlySet<string>): MadeItem {
  const outcome = row.verification?.outcome;
  return {
    id: row.id,
    kind: 'backup',
    volumeId: row.volumeId,
    at: row.dataTimestamp,
    good: whole.includes(row.status) && outcome !== 'damaged',
    verified: outcome === 'good' || outcome === 'healed',
    held: held.has(row.id) || held.has(row.volumeId),
    row,
  };
}

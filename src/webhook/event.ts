/** What webhooks are told: one event for each change of a snapshot, backup or plan. */
import { isoMicros } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import type { JsonObject } from '../base/json.ts';
import type { PlanRow, PlanRunRow } from '../catalog/plan-tables.ts';
import type { BackupRow, Row, SnapshotRow } from '../catalog/tables.ts';

/** The tables whose changes are told. */
export const toldTables = ['snapshots', 'backups', 'plans', 'planRuns'] as const;
export type ToldTable = (typeof toldTables)[number];

export type Kind = 'created' | 'changed' | 'deleted';

/** Fields that change many times while work goes on, and are told with what they lead to. */
const figures: readonly string[] = [
  'bytesDone',
  'bytesTotal',
  'bytesStored',
  'objectCount',
  'updatedAt',
  'deleted',
  'jobId',
];

/** True when a change of these fields is worth an event. */
export function matters(fields: readonly string[]): boolean {
  return fields.some((field) => !figures.includes(field));
}

export interface Event {
  readonly type: string;
  readonly subjectId: string;
  readonly projectId: string;
  readonly body: JsonObject;
}

/** The event of one change; `type` is `backup.created`, `backup.verified`, `plan_run.changed` … */
export function eventOf<T extends ToldTable>(
  table: T,
  row: Row<T>,
  kind: Kind,
  fields: readonly string[],
  now: number,
): Event {
  const { name, data } = describers[table](row);
  const proof = fields.includes('verification') || fields.includes('drill');
  const type = `${name}.${proof && kind === 'changed' ? 'verified' : kind}`;
  const { id: subjectId, projectId } = row;
  const body = { id: newId(), type, timestamp: isoMicros(now), project_id: projectId, data };
  return { type, subjectId, projectId, body };
}

const describers: { readonly [T in ToldTable]: Describer<T> } = {
  snapshots: (row) => ({ name: 'snapshot', data: snapshotData(row) }),
  backups: (row) => ({ name: 'backup', data: backupData(row) }),
  plans: (row) => ({ name: 'plan', data: planData(row) }),
  planRuns: (row) => ({ name: 'plan_run', data: runData(row) }),
};

type Describer<T extends ToldTable> = (row: Row<T>) => { name: string; data: JsonObject };

function snapshotData(row: SnapshotRow): JsonObject {
  const { id, name, status, size } = row;
  return { id, name, status, size, volume_id: row.volumeId };
}

function backupData(row: BackupRow): JsonObject {
  const { id, name, status, size, verification } = row;
  return {
    id,
    name,
    status,
    size,
    volume_id: row.volumeId,
    fail_reason: row.failReason,
    plan: row.metadata['firn:plan'] ?? null,
    verification:
      verification === null
        ? null
        : {
            depth: verification.depth,
            outcome: verification.outcome,
            at: isoMicros(verification.at),
          },
  };
}

function planData(row: PlanRow): JsonObject {
  const { id, name, enabled, action, schedule } = row;
  return { id, name, enabled, action, schedule, time_zone: row.timeZone };
}

function runData(row: PlanRunRow): JsonObject {
  const { id, action, state, error, attempt } = row;
  return {
    id,
    action,
    state,
    error,
    attempt,
    plan_id: row.planId,
    plan: row.planName,
    volume_id: row.volumeId,
    subject_id: row.subjectId,
    request_id: row.requestId,
  };
}

import { isoMicros } from '../../base/clock.ts';
import type { HoldRow, PlanRow, PlanRunRow, ProtectionRow } from '../../catalog/plan-tables.ts';
import { retentionOf } from '../../plan/retention.ts';
import { scheduleOf, selectionOf } from '../../plan/plan.ts';
import type { VolumeProtection } from '../../plan/protection.ts';
import type { Outcome } from '../../plan/what-if.ts';
import { timeView } from '../block-storage-v3/view.ts';

const nextRunsShown = 5;

export function planView(plan: PlanRow, now: number): object {
  const { withinDays, ...counts } = retentionOf(plan.retention);
  return {
    id: plan.id,
    project_id: plan.projectId,
    name: plan.name,
    description: plan.description,
    enabled: plan.enabled,
    action: plan.action,
    selection: selectionOf(plan),
    schedule: plan.schedule,
    time_zone: plan.timeZone,
    spread_minutes: plan.spreadMinutes,
    retention: { ...counts, ...(withinDays === undefined ? {} : { within_days: withinDays }) },
    options: plan.options,
    next_runs: scheduleOf(plan).upcoming(now, nextRunsShown).map(isoMicros),
    created_at: isoMicros(plan.createdAt),
    updated_at: timeView(plan.updatedAt),
  };
}

export function runView(run: PlanRunRow): object {
  return {
    id: run.id,
    plan_id: run.planId,
    plan: run.planName,
    volume_id: run.volumeId,
    action: run.action,
    state: run.state,
    subject_id: run.subjectId,
    request_id: run.requestId,
    attempt: run.attempt,
    error: run.error,
    deleted: run.deleted,
    due_at: isoMicros(run.dueAt),
    created_at: isoMicros(run.createdAt),
    updated_at: isoMicros(run.updatedAt),
  };
}

function membershipView(row: ProtectionRow): object {
  return {
    plan_id: row.planId,
    plan: row.planName,
    state: row.state,
    attempts: row.attempts,
    next_at: timeView(row.nextAt),
    last_run_at: timeView(row.lastRunAt),
    last_good_at: timeView(row.lastGoodAt),
    error: row.lastError,
  };
}

export function planVolumeView(row: ProtectionRow): object {
  return { volume_id: row.volumeId, ...membershipView(row) };
}

export function protectionView(each: VolumeProtection): object {
  const { volume, lastBackup, lastVerified } = each;
  return {
    volume_id: volume.id,
    name: volume.name,
    size: volume.size,
    status: volume.status,
    shield: each.shield,
    reason: each.reason,
    plans: each.protections.map(membershipView),
    last_backup:
      lastBackup === undefined
        ? null
        : { id: lastBackup.id, data_timestamp: isoMicros(lastBackup.dataTimestamp) },
    last_verified:
      lastVerified === undefined
        ? null
        : { id: lastVerified.id, verified_at: timeView(lastVerified.verifiedAt) },
  };
}

export function holdView(hold: HoldRow): object {
  return {
    kind: hold.kind,
    id: hold.id,
    reason: hold.reason,
    user_id: hold.userId,
    created_at: isoMicros(hold.createdAt),
  };
}

export function outcomeView(outcome: Outcome): object {
  const { freed, items } = outcome;
  return {
    volume_count: outcome.volumeCount,
    next_runs: outcome.nextRuns.map(isoMicros),
    kept_count: items.filter(({ reasons }) => reasons.length > 0).length,
    deleted_count: items.filter(({ reasons }) => reasons.length === 0).length,
    freed: {
      backup_count: freed.backupCount,
      bytes_min: freed.bytesMin,
      bytes_max: freed.bytesMax,
    },
    items: items.map((item) => ({
      id: item.future ? null : item.id,
      volume_id: item.volumeId,
      at: isoMicros(item.at),
      future: item.future,
      keep: item.reasons.length > 0,
      reasons: item.reasons.map((reason) => (reason === 'withinDays' ? 'within_days' : reason)),
    })),
  };
}

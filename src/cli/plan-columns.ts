import { formatBytes } from '../base/bytes.ts';
import type { Hold, Plan, PlanRun, Protection, WhatIf } from '../client/plan-schema.ts';
import type { Columns } from './print.ts';

export const planColumns: Columns<Plan> = {
  id: (plan) => plan.id,
  name: (plan) => plan.name,
  does: (plan) => plan.action,
  every: (plan) => `${plan.schedule} (${plan.time_zone})`,
  on: (plan) => (plan.enabled ? 'yes' : 'no'),
  'next run': (plan) => plan.next_runs[0]?.slice(0, 16),
};

export const planDetails: Columns<Plan> = {
  ...planColumns,
  description: (plan) => plan.description,
  volumes: selectionText,
  spread: (plan) => `${plan.spread_minutes} minutes`,
  keeps: (plan) => {
    const rules = Object.entries(plan.retention).map(([rule, count]) => `${rule} ${count}`);
    return rules.length === 0 ? 'everything' : rules.join(', ');
  },
  'next runs': (plan) => plan.next_runs.map((at) => at.slice(0, 16)).join(', '),
};

function selectionText({ selection, name }: Plan): string {
  const { volumes = [], metadata = {}, all } = selection;
  if (all === true) return 'all of the project';
  const properties = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  return [...volumes, ...properties, `firn:plan=${name}`].join(', ');
}

export const runColumns: Columns<PlanRun> = {
  began: (run) => run.created_at.slice(0, 19),
  plan: (run) => run.plan,
  volume: (run) => run.volume_id,
  does: (run) => run.action,
  state: (run) => run.state,
  made: (run) => run.subject_id,
  deleted: (run) => run.deleted,
  error: (run) => run.error,
};

export const protectionColumns: Columns<Protection> = {
  volume: (each) => each.name ?? each.volume_id,
  is: (each) => each.shield,
  why: (each) => each.reason,
  plans: (each) => each.plans.map(({ plan }) => plan).join(', '),
};

export const whatIfColumns: Columns<WhatIf['items'][number]> = {
  at: (item) => item.at.slice(0, 16),
  volume: (item) => item.volume_id,
  backup: (item) => (item.future ? '(to come)' : item.id),
  outcome: (item) => (item.keep ? 'keep' : 'delete'),
  because: (item) => item.reasons.join(', '),
};

export const holdColumns: Columns<Hold> = {
  on: (hold) => hold.kind,
  id: (hold) => hold.id,
  reason: (hold) => hold.reason,
  since: (hold) => hold.created_at.slice(0, 19),
};

/** One line under the table of what a plan would do. */
export function whatIfText({ volume_count, kept_count, deleted_count, freed }: WhatIf): string {
  const space =
    freed.backup_count === 0
      ? ''
      : `, which frees ${formatBytes(freed.bytes_min)} to ${formatBytes(freed.bytes_max)}`;
  return (
    `${volume_count} volumes: ${kept_count} kept, ${deleted_count} deleted ` +
    `(${freed.backup_count} backups that are there now${space})\n`
  );
}

import type { ColumnTypes } from '../column-types.ts';

/**
 * Plans, the volumes under them, their runs and what they made. The index on runs that are running
 * lets a volume be in one run at a time.
 */
export function plans({ text, integer, boolean, json }: ColumnTypes): string {
  return `
create table plans (
  id ${text} primary key,
  project_id ${text} not null,
  user_id ${text} not null,
  name ${text} not null,
  description ${text},
  enabled ${boolean} not null,
  action ${text} not null,
  selection ${json} not null,
  schedule ${text} not null,
  time_zone ${text} not null,
  spread_minutes ${integer} not null,
  retention ${json} not null,
  options ${json} not null,
  created_at ${integer} not null,
  updated_at ${integer}
);
create unique index plans_by_name on plans (project_id, name);
create index plans_by_project on plans (project_id, created_at, id);
create index plans_by_age on plans (created_at, id);

create table protections (
  id ${text} primary key,
  project_id ${text} not null,
  volume_id ${text} not null,
  plan_id ${text},
  plan_name ${text} not null,
  state ${text} not null,
  next_at ${integer},
  attempts ${integer} not null,
  run_id ${text},
  last_run_at ${integer},
  last_good_at ${integer},
  last_error ${text},
  created_at ${integer} not null
);
create index protections_by_next on protections (next_at, id) where next_at is not null;
create index protections_by_volume on protections (volume_id, id);
create index protections_by_plan on protections (plan_id, created_at, id);
create index protections_by_project on protections (project_id, created_at, id);
create index protections_by_state on protections (state, created_at, id);
${runs({ text, integer })}`;
}

function runs({ text, integer }: Pick<ColumnTypes, 'text' | 'integer'>): string {
  return `
create table plan_runs (
  id ${text} primary key,
  project_id ${text} not null,
  plan_id ${text} not null,
  plan_name ${text} not null,
  volume_id ${text} not null,
  action ${text} not null,
  state ${text} not null,
  subject_id ${text},
  job_id ${text},
  request_id ${text} not null,
  attempt ${integer} not null,
  error ${text},
  deleted ${integer} not null,
  due_at ${integer} not null,
  created_at ${integer} not null,
  updated_at ${integer} not null
);
create unique index plan_runs_running on plan_runs (volume_id) where state = 'running';
create index plan_runs_by_state on plan_runs (state, created_at, id);
create index plan_runs_by_plan on plan_runs (plan_id, created_at, id);
create index plan_runs_by_volume on plan_runs (volume_id, created_at, id);
create index plan_runs_by_project on plan_runs (project_id, created_at, id);

create table plan_items (
  id ${text} primary key,
  project_id ${text} not null,
  plan_id ${text} not null,
  volume_id ${text} not null,
  kind ${text} not null,
  created_at ${integer} not null
);
create index plan_items_by_plan on plan_items (plan_id, volume_id, created_at, id);
create index plan_items_by_volume on plan_items (volume_id, created_at, id);
`;
}

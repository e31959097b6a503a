import type { ColumnTypes } from '../column-types.ts';

/** Holds; webhooks, and the events that are on their way to them. */
export function holdsAndWebhooks({ text, integer, boolean, json }: ColumnTypes): string {
  return `
create table holds (
  id ${text} primary key,
  project_id ${text} not null,
  kind ${text} not null,
  reason ${text},
  user_id ${text} not null,
  created_at ${integer} not null
);
create index holds_by_project on holds (project_id, created_at, id);

create table webhooks (
  id ${text} primary key,
  project_id ${text} not null,
  user_id ${text} not null,
  url ${text} not null,
  secret ${text} not null,
  events ${json} not null,
  enabled ${boolean} not null,
  created_at ${integer} not null,
  updated_at ${integer}
);
create index webhooks_by_project on webhooks (project_id, created_at, id);

create table deliveries (
  id ${text} primary key,
  project_id ${text} not null,
  webhook_id ${text} not null,
  sequence ${integer} not null,
  subject_id ${text} not null,
  event ${json} not null,
  state ${text} not null,
  attempts ${integer} not null,
  next_at ${integer} not null,
  last_status ${text},
  created_at ${integer} not null,
  updated_at ${integer} not null
);
create index deliveries_pending on deliveries (webhook_id, sequence) where state = 'pending';
create index deliveries_by_webhook on deliveries (webhook_id, created_at, id);
create index deliveries_by_state on deliveries (state, created_at, id);
`;
}

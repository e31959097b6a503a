import { Type, type Static } from 'typebox';
import type { PlanRow } from '../../catalog/plan-tables.ts';
import type { PlanInput } from '../../plan/plans.ts';
import type { Retention } from '../../plan/retention.ts';
import { Description, exactly, MetadataFields, orNull, Uuid } from '../block-storage-v3/fields.ts';

const count = Type.Optional(orNull(Type.Integer({ minimum: 1, maximum: 100_000 })));

const RetentionFields = exactly({
  last: count,
  within_days: count,
  hourly: count,
  daily: count,
  weekly: count,
  monthly: count,
  yearly: count,
});

const SelectionFields = exactly({
  volumes: Type.Optional(Type.Array(Uuid, { maxItems: 1000, uniqueItems: true })),
  metadata: Type.Optional(MetadataFields),
  all: Type.Optional(Type.Boolean()),
});

const PlanFields = {
  name: Type.String({ minLength: 1, maxLength: 100 }),
  description: Type.Optional(Description),
  enabled: Type.Optional(Type.Boolean()),
  action: Type.Optional(Type.Enum(['snapshot', 'backup', 'verify', 'drill'])),
  selection: Type.Optional(SelectionFields),
  schedule: Type.String({ minLength: 1, maxLength: 200 }),
  time_zone: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  spread_minutes: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_080 })),
  retention: Type.Optional(RetentionFields),
  options: Type.Optional(
    exactly({
      container: Type.Optional(Type.String({ minLength: 1, maxLength: 255, pattern: '^[^/]+$' })),
      depth: Type.Optional(Type.Enum(['objects', 'blocks', 'filesystem'])),
    }),
  ),
};

export const NewPlan = exactly({ plan: exactly(PlanFields) });

export const PlanChange = exactly({ plan: Type.Partial(exactly(PlanFields)) });

export const WhatIfBody = exactly({
  plan: exactly(PlanFields),
  /** The plan that is there already, whose backups are judged. */
  plan_id: Type.Optional(orNull(Uuid)),
  volume_id: Type.Optional(orNull(Uuid)),
  until: Type.Optional(orNull(Type.String({ format: 'date-time' }))),
});

export const RunNow = exactly({ volume_id: Type.Optional(orNull(Uuid)) });

export const HoldBody = exactly({ reason: Type.Optional(Description) });

/** Ten minutes of spread do not matter to an hourly plan and calm a night's. */
const spreadMinutes = 10;

/** A new plan, with the defaults of what is not said. */
export function planInput(given: Static<typeof NewPlan>['plan']): PlanInput {
  return {
    name: given.name,
    description: given.description ?? null,
    enabled: given.enabled ?? true,
    action: given.action ?? 'backup',
    selection: given.selection ?? {},
    schedule: given.schedule,
    timeZone: given.time_zone ?? 'UTC',
    spreadMinutes: given.spread_minutes ?? spreadMinutes,
    retention: retentionInput(given.retention ?? {}),
    options: given.options ?? {},
  };
}

/** What a change says, and nothing else. */
export function planChanges(given: Static<typeof PlanChange>['plan']): Partial<PlanInput> {
  const { time_zone: timeZone, spread_minutes: spread, retention, selection, ...others } = given;
  return {
    ...others,
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(spread === undefined ? {} : { spreadMinutes: spread }),
    ...(retention === undefined ? {} : { retention: retentionInput(retention) }),
    ...(selection === undefined ? {} : { selection: selection }),
  };
}

function retentionInput(given: Static<typeof RetentionFields>): Retention {
  const { within_days: withinDays, ...counts } = given;
  const rules = Object.entries({ ...counts, withinDays });
  return Object.fromEntries(rules.filter(([, value]) => typeof value === 'number'));
}

/** A plan that is judged before it is saved. */
export function unsavedPlan(
  given: Static<typeof NewPlan>['plan'],
  saved: { id: string; projectId: string; userId: string },
): PlanRow {
  const { selection, retention, ...others } = planInput(given);
  return {
    ...saved,
    ...others,
    selection: { ...selection } as PlanRow['selection'],
    retention: { ...retention },
    createdAt: 0,
    updatedAt: null,
  };
}

/** The answers of `/firn/v1` about plans, holds and protection. */
import { Type } from 'typebox';
import type { Static, TSchema } from 'typebox';

const orNull = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

export const Plan = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: orNull(Type.String()),
  enabled: Type.Boolean(),
  action: Type.String(),
  selection: Type.Object({
    volumes: Type.Optional(Type.Array(Type.String())),
    metadata: Type.Optional(Type.Record(Type.String(), Type.String())),
    all: Type.Optional(Type.Boolean()),
  }),
  schedule: Type.String(),
  time_zone: Type.String(),
  spread_minutes: Type.Integer(),
  retention: Type.Record(Type.String(), Type.Integer()),
  next_runs: Type.Array(Type.String()),
  created_at: Type.String(),
});
export type Plan = Static<typeof Plan>;

export const PlanRun = Type.Object({
  id: Type.String(),
  plan: Type.String(),
  volume_id: Type.String(),
  action: Type.String(),
  state: Type.String(),
  subject_id: orNull(Type.String()),
  error: orNull(Type.String()),
  deleted: Type.Integer(),
  created_at: Type.String(),
});
export type PlanRun = Static<typeof PlanRun>;

export const Protection = Type.Object({
  volume_id: Type.String(),
  name: orNull(Type.String()),
  shield: Type.String(),
  reason: Type.String(),
  plans: Type.Array(Type.Object({ plan: Type.String(), next_at: orNull(Type.String()) })),
});
export type Protection = Static<typeof Protection>;

export const WhatIf = Type.Object({
  volume_count: Type.Integer(),
  kept_count: Type.Integer(),
  deleted_count: Type.Integer(),
  freed: Type.Object({
    backup_count: Type.Integer(),
    bytes_min: Type.Number(),
    bytes_max: Type.Number(),
  }),
  items: Type.Array(
    Type.Object({
      id: orNull(Type.String()),
      volume_id: Type.String(),
      at: Type.String(),
      future: Type.Boolean(),
      keep: Type.Boolean(),
      reasons: Type.Array(Type.String()),
    }),
  ),
});
export type WhatIf = Static<typeof WhatIf>;

export const Hold = Type.Object({
  kind: Type.String(),
  id: Type.String(),
  reason: orNull(Type.String()),
  created_at: Type.String(),
});
export type Hold = Static<typeof Hold>;

/** The rows of plans, holds and webhooks. Times are milliseconds since 1970-01-01 UTC. */
import type { JsonObject } from '../base/json.ts';

/** A schedule and what is kept, for the volumes that it names. */
export interface PlanRow {
  id: string;
  projectId: string;
  userId: string;
  /** Unique in its project: `firn:plan=NAME` of a volume names it. */
  name: string;
  description: string | null;
  enabled: boolean;
  action: PlanAction;
  /** `volumes`: ids; `metadata`: entries that a volume has; `all`: every volume of the project. */
  selection: JsonObject;
  /** `hourly`, `daily`, `weekly`, `monthly`, or a cron expression of five fields. */
  schedule: string;
  timeZone: string;
  /** Runs of one instant begin within so many minutes after it. */
  spreadMinutes: number;
  /** Counts of what is kept; empty keeps everything. */
  retention: JsonObject;
  /** What the action is told: container, incremental, depth. */
  options: JsonObject;
  createdAt: number;
  updatedAt: number | null;
}

export type PlanAction = 'snapshot' | 'backup' | 'verify' | 'drill';

/** A volume under a plan: when it is due, and how the last runs went. */
export interface ProtectionRow {
  /** Plan and volume, joined by a colon. */
  id: string;
  projectId: string;
  volumeId: string;
  /** Null when the volume names a plan that there is not. */
  planId: string | null;
  planName: string;
  state: 'waiting' | 'running' | 'retrying' | 'failing' | 'unknown_plan';
  /** When it is looked at next; null: never. */
  nextAt: number | null;
  /** Failures in a row. */
  attempts: number;
  runId: string | null;
  lastRunAt: number | null;
  lastGoodAt: number | null;
  lastError: string | null;
  createdAt: number;
}

/** One run of a plan for one volume. */
export interface PlanRunRow {
  id: string;
  projectId: string;
  planId: string;
  planName: string;
  volumeId: string;
  action: PlanAction;
  state: 'running' | 'done' | 'failed' | 'skipped';
  /** The snapshot or backup that it makes, verifies or drills. */
  subjectId: string | null;
  /** The job that verifies or drills; null for what has a status of its own. */
  jobId: string | null;
  requestId: string;
  attempt: number;
  error: string | null;
  /** How many of the plan's older ones it deleted. */
  deleted: number;
  /** When the run was due. */
  dueAt: number;
  createdAt: number;
  updatedAt: number;
}

/** A snapshot or backup that a plan made: what that plan, and no other, may delete. */
export interface PlanItemRow {
  /** The id of the snapshot or backup. */
  id: string;
  projectId: string;
  planId: string;
  volumeId: string;
  kind: HeldKind;
  createdAt: number;
}

export type HeldKind = 'volume' | 'snapshot' | 'backup';

/** Keeps what it is on from being deleted, by whomever, until it is released. */
export interface HoldRow {
  /** The id of the volume, snapshot or backup. */
  id: string;
  projectId: string;
  kind: HeldKind;
  reason: string | null;
  userId: string;
  createdAt: number;
}

/** Whom to tell of changes in a project. */
export interface WebhookRow {
  id: string;
  projectId: string;
  userId: string;
  url: string;
  /** Signs what is sent; never shown again. */
  secret: string;
  /** Prefixes of the types of events; empty: all. */
  events: string[];
  enabled: boolean;
  createdAt: number;
  updatedAt: number | null;
}

/** One event on its way to one webhook. */
export interface DeliveryRow {
  id: string;
  projectId: string;
  webhookId: string;
  /** Rises with each event of the catalogue, so that those of a subject keep their order. */
  sequence: number;
  subjectId: string;
  event: JsonObject;
  state: 'pending' | 'delivered' | 'given_up';
  attempts: number;
  /** Not before. */
  nextAt: number;
  lastStatus: string | null;
  createdAt: number;
  updatedAt: number;
}

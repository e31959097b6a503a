/** Plans in words. */
import type { Plan } from '../../api/plans.ts';

export const actionNames: Readonly<Record<string, string>> = {
  backup: 'Back up',
  snapshot: 'Take a snapshot',
  verify: 'Verify the newest backup',
  drill: 'Run a drill with the newest backup',
};

/** The rules of what is kept, in the order in which they are shown. */
export const retentionRules = {
  last: 'newest',
  within_days: 'days, all of them',
  hourly: 'hours',
  daily: 'days',
  weekly: 'weeks',
  monthly: 'months',
  yearly: 'years',
} as const;

const reasonWords: Readonly<Record<string, string>> = {
  last: 'among the newest',
  within_days: 'young enough',
  hourly: 'newest of its hour',
  daily: 'newest of its day',
  weekly: 'newest of its week',
  monthly: 'newest of its month',
  yearly: 'newest of its year',
  newest: 'the newest good one',
  'newest verified': 'the newest verified one',
  held: 'on hold',
  'no rule': 'no rule deletes it',
};

export const reasonText = (reason: string): string => reasonWords[reason] ?? reason;

export function actionText(action: string): string {
  return actionNames[action] ?? action;
}

/** Verifying and drilling make nothing that could be kept or deleted. */
export const makesSomething = (action: string): boolean =>
  action === 'backup' || action === 'snapshot';

export function retentionText({ action, retention }: Pick<Plan, 'action' | 'retention'>): string {
  if (!makesSomething(action)) return '-';
  const parts = Object.entries(retentionRules).flatMap(([rule, word]) => {
    const count = retention[rule];
    return count === undefined ? [] : [`${count} ${word}`];
  });
  return parts.length === 0 ? 'everything' : parts.join(', ');
}

export function scheduleText({ schedule, time_zone: zone }: Plan): string {
  return zone === 'UTC' ? `${schedule} (UTC)` : `${schedule} (${zone})`;
}

export function selectionText({ name, selection }: Pick<Plan, 'name' | 'selection'>): string {
  const { volumes = [], metadata = {}, all } = selection;
  if (all === true) return 'all of the project';
  const chosen = volumes.length === 0 ? [] : [`${volumes.length} chosen`];
  const pairs = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  return [...chosen, ...pairs, `firn:plan=${name}`].join(', ');
}

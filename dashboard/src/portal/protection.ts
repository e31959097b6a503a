/** The plans that the portal offers, and how a volume comes under one. */
import { ask } from '../api/http.ts';
import { createPlan, type NewPlan } from '../api/plans.ts';

/** A plan to choose from, in words that need no explanation. */
export interface Choice {
  readonly name: string;
  readonly title: string;
  readonly line: string;
  readonly schedule: string;
  readonly retention: Readonly<Record<string, number>>;
}

export const choices: readonly Choice[] = [
  {
    name: 'every-night',
    title: 'Every night',
    line: 'Good for most. You can go back a week by days, a month by weeks, half a year by months.',
    schedule: 'daily',
    retention: { daily: 7, weekly: 4, monthly: 6 },
  },
  {
    name: 'every-hour',
    title: 'Every hour',
    line: 'For what you work on all day. You can go back a day by hours, and two weeks by days.',
    schedule: 'hourly',
    retention: { hourly: 24, daily: 14 },
  },
  {
    name: 'every-week',
    title: 'Every week',
    line: 'For what rarely changes. You can go back two months by weeks, and a year by months.',
    schedule: 'weekly',
    retention: { weekly: 8, monthly: 12 },
  },
];

/** The plan that proves: the newest backup is read back whole once a week. */
const proof = {
  name: 'weekly-check',
  description: 'Reads the newest backup back, once a week.',
  enabled: true,
  action: 'verify',
  selection: {},
  schedule: 'weekly',
  retention: {},
};

const ownZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The plan that a choice stands for; volumes name it by their metadata, or it names them. */
export function planOf(choice: Choice, volumes: readonly string[]): NewPlan {
  const { name, line, schedule, retention } = choice;
  return {
    name,
    description: line,
    enabled: true,
    action: 'backup',
    selection: volumes.length === 0 ? {} : { volumes: [...volumes] },
    schedule,
    time_zone: ownZone,
    retention,
  };
}

/** Puts a volume under a chosen plan, and under the one that proves its backups. */
export async function protect(volumeId: string, choice: Choice): Promise<void> {
  await makePlan(planOf(choice, []));
  await makePlan({ ...proof, time_zone: ownZone });
  await setPlans(volumeId, [choice.name, proof.name]);
}

/** No plan makes backups of it any more; those that there are stay. */
export async function stopProtecting(volumeId: string): Promise<void> {
  await ask(`/volume/v3/volumes/${volumeId}/metadata/firn:plan`, { method: 'DELETE' });
}

async function makePlan(plan: NewPlan): Promise<void> {
  const query = { name: plan.name };
  const { plans } = await ask<{ plans: { id: string }[] }>('/firn/v1/plans', { query });
  if (plans.length === 0) await createPlan(plan);
}

async function setPlans(volumeId: string, names: readonly string[]): Promise<void> {
  const metadata = { 'firn:plan': names.join(',') };
  const path = `/volume/v3/volumes/${volumeId}/metadata`;
  await ask(path, { method: 'POST', body: { metadata } });
}

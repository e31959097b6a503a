/** The fields of a plan's form, and the plan that they say. */
import type { NewPlan, Plan } from '../../api/plans.ts';
import { type Form, nameProblem, type Problems, useForm } from '../../components/form.ts';
import { makesSomething, retentionRules } from './plan-words.ts';

export type PlanValues = Readonly<Record<keyof typeof retentionRules, string>> & {
  readonly name: string;
  readonly description: string;
  readonly action: string;
  /** A word, or `cron` for the expression. */
  readonly every: string;
  readonly cron: string;
  readonly zone: string;
  readonly which: string;
  /** Ids with commas between them. */
  readonly volumes: string;
  readonly key: string;
  readonly value: string;
  readonly enabled: boolean;
};

export type PlanForm = Form<PlanValues>;

export const words: Readonly<Record<string, string>> = {
  hourly: 'Every hour',
  daily: 'Every night, at 1:00',
  weekly: 'Every week, Sunday at 1:00',
  monthly: 'Every month, the first at 1:00',
};

/** What a new plan keeps: a week by days, a month by weeks, half a year by months. */
const usual: Readonly<Record<string, number>> = { daily: 7, weekly: 4, monthly: 6 };

function valuesOf(plan: Plan | undefined): PlanValues {
  const retention = plan?.retention ?? usual;
  const schedule = plan?.schedule ?? 'daily';
  const { volumes = [], metadata = {}, all = false } = plan?.selection ?? {};
  const [[key, value] = ['', '']] = Object.entries(metadata);
  const kept = (rule: string): string => String(retention[rule] ?? '');
  const chosen = volumes.length > 0 ? 'chosen' : key === '' ? 'named' : 'metadata';
  return {
    name: plan?.name ?? '',
    description: plan?.description ?? '',
    action: plan?.action ?? 'backup',
    every: schedule in words ? schedule : 'cron',
    cron: schedule in words ? '' : schedule,
    zone: plan?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    which: all ? 'all' : chosen,
    volumes: volumes.join(','),
    key,
    value,
    enabled: plan?.enabled ?? true,
    last: kept('last'),
    within_days: kept('within_days'),
    hourly: kept('hourly'),
    daily: kept('daily'),
    weekly: kept('weekly'),
    monthly: kept('monthly'),
    yearly: kept('yearly'),
  };
}

/** As the API has it. */
const planNameMax = 100;

function problemsOf(values: PlanValues): Problems<PlanValues> {
  const { name, description, every, cron, which, volumes, key } = values;
  const isMissing = (text: string): string | undefined =>
    text.trim() === '' ? 'This field is required.' : undefined;
  const counts = Object.keys(retentionRules).map((rule) => {
    const text = values[rule as keyof typeof retentionRules];
    const isFine = text === '' || (/^\d{1,6}$/.test(text) && Number(text) >= 1);
    return [rule, isFine ? undefined : 'A whole number from 1, or nothing.'] as const;
  });
  const tooLong = `At most ${planNameMax} characters; this has ${name.length}.`;
  return {
    name: name.length > planNameMax ? tooLong : isMissing(name),
    description: nameProblem(description, { required: false }),
    cron: every === 'cron' ? isMissing(cron) : undefined,
    volumes: which === 'chosen' && volumes === '' ? 'Choose at least one.' : undefined,
    key: which === 'metadata' ? isMissing(key) : undefined,
    ...Object.fromEntries(counts),
  };
}

export function usePlanForm(plan: Plan | undefined): PlanForm {
  return useForm(valuesOf(plan), problemsOf);
}

/** A plan that is there, as it would be saved again. */
export const asSaved = (plan: Plan): NewPlan => planOf(valuesOf(plan), plan);

/** The plan that the fields say; what they cannot say of `before` stays as it is. */
export function planOf(values: PlanValues, before?: Plan): NewPlan {
  const { action } = values;
  const kept = Object.keys(retentionRules).flatMap((rule) => {
    const text = values[rule as keyof typeof retentionRules];
    return text === '' || !makesSomething(action) ? [] : [[rule, Number(text)] as const];
  });
  return {
    name: values.name.trim(),
    description: values.description === '' ? null : values.description,
    enabled: values.enabled,
    action,
    schedule: values.every === 'cron' ? values.cron.trim() : values.every,
    time_zone: values.zone,
    selection: selectionOf(values, before),
    retention: Object.fromEntries(kept),
  };
}

const selectionFields = ['which', 'volumes', 'key', 'value'] as const;

/** Several entries of metadata, or some beside chosen volumes, have no fields: they stay. */
function selectionOf(values: PlanValues, before: Plan | undefined): NewPlan['selection'] {
  if (before !== undefined) {
    const shown = valuesOf(before);
    const isSame = selectionFields.every((field) => shown[field] === values[field]);
    if (isSame) return before.selection;
  }
  const { which, volumes, key, value } = values;
  if (which === 'all') return { all: true };
  if (which === 'chosen' && volumes !== '') return { volumes: volumes.split(',') };
  return which === 'metadata' && key !== '' ? { metadata: { [key]: value } } : {};
}

/** Whether the server can be asked what it would do. */
export function canBeJudged(values: PlanValues): boolean {
  return Object.entries(problemsOf(values)).every(
    ([name, problem]) => problem === undefined || name === 'name' || name === 'volumes',
  );
}

/** The options that say what a plan is. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Client } from '../client/client.ts';

const retentionFlags = {
  keepLast: 'last',
  keepWithinDays: 'within_days',
  keepHourly: 'hourly',
  keepDaily: 'daily',
  keepWeekly: 'weekly',
  keepMonthly: 'monthly',
  keepYearly: 'yearly',
} as const;

const depths = ['objects', 'blocks', 'filesystem'] as const;

export interface PlanOptions {
  readonly action?: string;
  readonly every?: string;
  readonly timeZone?: string;
  readonly spreadMinutes?: number;
  readonly volume?: string[];
  readonly property?: string[];
  readonly allVolumes?: boolean;
  readonly description?: string;
  readonly container?: string;
  readonly depth?: string;
  readonly [retention: string]: unknown;
}

export function addPlanOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--action <action>', 'what is done; default backup').choices([
        'snapshot',
        'backup',
        'verify',
        'drill',
      ]),
    )
    .option('--every <schedule>', 'hourly, daily, weekly, monthly, or a cron expression')
    .option('--time-zone <zone>', 'of the schedule, such as Europe/Berlin; default UTC')
    .option('--spread-minutes <count>', 'begin within so many minutes', parseCount)
    .option('--volume <volume...>', 'ids or names of volumes')
    .option('--property <key=value...>', 'volumes that have all these properties')
    .option('--all-volumes', 'every volume of the project')
    .option('--description <text>')
    .option('--container <name>', 'which repository of the store')
    .addOption(new Option('--depth <depth>', 'how deep to verify').choices([...depths]))
    .option('--keep-last <count>', 'keep the newest so many', parseCount)
    .option('--keep-within-days <days>', 'keep what is younger', parseCount)
    .option('--keep-hourly <count>', 'keep one of each of so many hours', parseCount)
    .option('--keep-daily <count>', 'keep one of each of so many days', parseCount)
    .option('--keep-weekly <count>', 'keep one of each of so many weeks', parseCount)
    .option('--keep-monthly <count>', 'keep one of each of so many months', parseCount)
    .option('--keep-yearly <count>', 'keep one of each of so many years', parseCount);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError('It must be a whole number.');
}

/** The fields of a plan that the options name, as the API has them. */
export async function planFields(client: Client, options: PlanOptions): Promise<object> {
  const kept = Object.entries(retentionFlags).flatMap(([flag, rule]) => {
    const count = options[flag];
    return typeof count === 'number' ? [[rule, count] as const] : [];
  });
  const selection = await selectionOf(client, options);
  const { container, depth } = options;
  const told = {
    ...(container === undefined ? {} : { container }),
    ...(depth === undefined ? {} : { depth }),
  };
  return {
    ...(options.action === undefined ? {} : { action: options.action }),
    ...(options.every === undefined ? {} : { schedule: options.every }),
    ...(options.timeZone === undefined ? {} : { time_zone: options.timeZone }),
    ...(options.spreadMinutes === undefined ? {} : { spread_minutes: options.spreadMinutes }),
    ...(options.description === undefined ? {} : { description: options.description }),
    ...(selection === undefined ? {} : { selection }),
    ...(kept.length === 0 ? {} : { retention: Object.fromEntries(kept) }),
    ...(Object.keys(told).length === 0 ? {} : { options: told }),
  };
}

async function selectionOf(client: Client, options: PlanOptions): Promise<object | undefined> {
  const { volume, property, allVolumes } = options;
  if (volume === undefined && property === undefined && allVolumes === undefined) return undefined;
  const found = await Promise.all((volume ?? []).map((name) => client.volumes.find(name)));
  const entries = (property ?? []).map((text) => {
    const at = text.indexOf('=');
    return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  });
  return {
    ...(volume === undefined ? {} : { volumes: found.map(({ id }) => id) }),
    ...(property === undefined ? {} : { metadata: Object.fromEntries(entries) }),
    ...(allVolumes === true ? { all: true } : {}),
  };
}

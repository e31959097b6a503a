import { type OptionEntry, optionList } from '../server/config-options.ts';
import { gatherOptions } from '../server/config-source.ts';
import { readConfig } from '../server/config.ts';
import type { AddCommand } from './context.ts';
import { type Columns, printList } from './print.ts';
import { addServeOptions, sourceOf } from './serve-options.ts';

interface Shown {
  readonly key: string;
  readonly value: string;
  readonly from: string;
}

const columns: Columns<Shown> = {
  option: ({ key }) => key,
  value: ({ value }) => value,
  from: ({ from }) => from,
};

/** `firn config check`: takes what `firn serve` takes, and starts nothing. */
export const configCheck: AddCommand = (parent, context) => {
  const command = parent
    .command('check')
    .description('check the configuration, and show what counts and where it comes from');
  addServeOptions(command).action(async (_options, given) => {
    const gathered = await gatherOptions(sourceOf(given, context.environment));
    const { settings } = readConfig(gathered.given);
    const shown = optionList.map((entry) => ({
      key: entry.key,
      value: textOf(entry, settings[entry.name]),
      from: fromOf(gathered.given.get(entry.name)?.label, settings[entry.name]),
    }));
    printList(context, given, columns, shown);
  });
};

function textOf(entry: OptionEntry, value: unknown): string {
  if (value === undefined) return entry.otherwise ?? '';
  if (typeof value === 'object' && value !== null && 'host' in value && 'port' in value) {
    return `${String(value.host)}:${String(value.port)}`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function fromOf(label: string | undefined, value: unknown): string {
  if (label === undefined) return value === undefined ? '' : 'default';
  return label.split(': ', 1)[0] ?? label;
}

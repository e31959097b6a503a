import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { JsonValue } from '../base/json.ts';
import type { GivenOptions } from './config-file.ts';
import {
  flagOf,
  type OptionEntry,
  optionList,
  type OptionName,
  type Settings,
} from './config-options.ts';

/** Where an option was given, in words; its flag where it was not. */
export type LabelOf = (name: OptionName) => string;

export function labels(given: GivenOptions): LabelOf {
  const flags = new Map(optionList.map((entry) => [entry.name, flagOf(entry) ?? entry.key]));
  return (name) => given.get(name)?.label ?? flags.get(name) ?? name;
}

/**
 * Checks each option by itself and fills in the defaults. Throws one `invalid_input` that names
 * every mistake, a line each.
 */
export function readSettings(given: GivenOptions): Settings {
  const labelOf = labels(given);
  const mistakes: OperatingError[] = [];
  const values = optionList.map((entry) => {
    try {
      const value = given.get(entry.name)?.value;
      return [entry.name, valueOf(entry, value, labelOf(entry.name))];
    } catch (error) {
      if (!isOperatingError(error, 'invalid_input')) throw error;
      mistakes.push(error);
      return [entry.name, undefined];
    }
  });
  const [first, ...others] = mistakes;
  if (first !== undefined && others.length === 0) throw first;
  if (first !== undefined) {
    const lines = mistakes.map((mistake) => mistake.message).join('\n');
    throw new OperatingError('invalid_input', lines, { field: 'configuration' });
  }
  return Object.fromEntries(values) as Settings;
}

function valueOf(entry: OptionEntry, value: JsonValue | undefined, label: string): unknown {
  // What a reader takes follows from `kind`, which the table's own type does not tie to it.
  const read = entry.read as (given: JsonValue, label: string) => unknown;
  if (entry.kind === 'list') {
    const items = value ?? (entry.initial === undefined ? [] : [entry.initial]);
    return (Array.isArray(items) ? items : [items]).map((item) => read(item, label));
  }
  const given = value ?? entry.initial;
  return given === undefined ? undefined : read(given, label);
}

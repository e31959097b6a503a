/** What was given for the options: by flags, over the environment, over the file. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OperatingError } from '../base/errors.ts';
import { type Given, type GivenOptions, readConfigFile } from './config-file.ts';
import { flagOf, optionList, type OptionName, options, variableOf } from './config-options.ts';
import { readFolder, readPath } from './config-values.ts';

export interface ConfigSource {
  /** Values of flags by the flag's name with dashes; of a list, several. */
  readonly flags: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Gathered {
  readonly given: GivenOptions;
  /** The file that was read, if there was one. */
  readonly file: string | undefined;
}

/** The name of the file in the data folder, which is read when no other is named. */
const fileName = 'firn.yaml';

/**
 * Gathers what was given. The file is the one that `--config` or `FIRN_CONFIG` names, or
 * `firn.yaml` in the data folder where there is one.
 */
export async function gatherOptions(source: ConfigSource): Promise<Gathered> {
  const given = new Map<OptionName, Given>();
  for (const entry of optionList) {
    const flag = flagOf(entry);
    const variable = variableOf(entry);
    if (flag === undefined || variable === undefined) continue;
    const fromFlag = source.flags[flag];
    const fromEnvironment = source.environment[variable];
    if (fromFlag !== undefined) {
      const value = typeof fromFlag === 'string' ? fromFlag : [...fromFlag];
      given.set(entry.name, { value, label: flag });
    } else if (fromEnvironment !== undefined) {
      const isList = entry.kind === 'list';
      const value = isList ? fromEnvironment.split(',').filter(Boolean) : fromEnvironment;
      given.set(entry.name, { value, label: variable });
    }
  }
  const file = fileOf(source, given);
  if (file === undefined) return { given, file };
  const { path, inDataFolder } = file;
  const fromFile = await readConfigFile(path);
  const data = fromFile.get('data');
  if (inDataFolder && data !== undefined) {
    const why = 'the file lies in the data folder itself; remove the line';
    throw new OperatingError('invalid_input', `${data.label} names another folder, but ${why}`);
  }
  return { given: new Map([...fromFile, ...given]), file: path };
}

function fileOf(
  { flags, environment }: ConfigSource,
  given: GivenOptions,
): { path: string; inDataFolder: boolean } | undefined {
  const named = flags['--config'] ?? environment['FIRN_CONFIG'];
  if (typeof named === 'string') return { path: readPath(named, '--config'), inDataFolder: false };
  const data = given.get('data')?.value;
  const folder = typeof data === 'string' ? data : options.data.initial;
  const path = join(readFolder(folder, '--data'), fileName);
  return existsSync(path) ? { path, inDataFolder: true } : undefined;
}

import { type Command, Option } from 'commander';
import { flagOf, type OptionEntry, optionList, variableOf } from '../server/config-options.ts';
import type { ConfigSource } from '../server/config-source.ts';
import type { Environment } from './context.ts';

/** Adds `--config` and the flags of all options, but `--data`, which every command has. */
export function addServeOptions(command: Command): Command {
  command.option('--config <FILE>', 'the configuration file (FIRN_CONFIG)');
  for (const option of commandOptions()) command.addOption(option);
  return command;
}

/** What `command` was given by its flags, with the environment under it. */
export function sourceOf(command: Command, environment: Environment): ConfigSource {
  const values = command.optsWithGlobals<Readonly<Record<string, unknown>>>();
  const flags: Record<string, string | readonly string[]> = {};
  const named = [...commandOptions(), new Option('--data <DIR>'), new Option('--config <FILE>')];
  for (const option of named) {
    const value = values[option.attributeName()];
    if (typeof value === 'string') flags[option.long ?? ''] = value;
    else if (value === true) flags[option.long ?? ''] = 'true';
    else if (Array.isArray(value)) flags[option.long ?? ''] = value.map(String);
  }
  return { flags, environment };
}

function commandOptions(): Option[] {
  return optionList.flatMap((entry) => {
    const flag = flagOf(entry);
    return flag === undefined || entry.name === 'data' ? [] : [commandOption(entry, flag)];
  });
}

function commandOption(entry: OptionEntry, flag: string): Option {
  const about = `${entry.about} (${variableOf(entry) ?? ''})`;
  if (entry.kind === 'switch') return new Option(flag, about);
  const value = entry.kind === 'list' ? `<${entry.value}...>` : `<${entry.value}>`;
  return new Option(`${flag} ${value}`, about);
}

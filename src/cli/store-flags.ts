import { type Command, InvalidArgumentError } from 'commander';

/** Where a repository is, for commands that need nothing but the store and the key. */
export interface StoreFlags {
  readonly store: string;
  readonly keyFile: string;
  readonly container?: string;
}

/** Adds the flags; both are needed. */
export function addStoreFlags(command: Command): Command {
  return command
    .requiredOption('--store <URL>', 'secondary storage, such as file:///srv/backups')
    .requiredOption('--key-file <PATH>', 'the key of the backups')
    .option('--container <name>', 'of this repository; needed where there are several');
}

/** A whole number of MiB, at least 1. */
export function parseMib(text: string): number {
  if (/^[1-9][0-9]{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number of MiB, at least 1.');
}

/** What the `firn layers` commands share: which folder, and who else is in it. */
import type { Command } from 'commander';
import { CommanderError } from 'commander';
import { isOperatingError } from '../base/errors.ts';
import type { FoundFolder } from '../inspect/folder-use.ts';
import { findVolumes, isInUse } from '../inspect/folder-use.ts';
import type { Context } from './context.ts';

export interface VolumesFolder extends FoundFolder {
  /** True when a Firn that runs has the folder open. */
  readonly isInUse: boolean;
}

/** The folder that `--data` or the environment names, as for `firn serve`. */
export async function volumesFolder(context: Context, command: Command): Promise<VolumesFolder> {
  const { data } = command.optsWithGlobals<{ data?: string }>();
  const found = await findVolumes(data ?? context.environment['FIRN_DATA'] ?? 'firn-data');
  return { ...found, isInUse: found.dataFolder !== undefined && isInUse(found.dataFolder) };
}

export function warnInUse(context: Context, { isInUse: inUse }: VolumesFolder): void {
  if (!inUse) return;
  context.stderr.write(
    'A running Firn has this folder open: what it changes meanwhile may differ.\n',
  );
}

/** Runs `work`; what keeps it from being done at all ends with exit code 2 instead of 1. */
export async function orCannotRun<T>(context: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isOperatingError(error)) throw error;
    context.stderr.write(`firn: ${error.message}\n`);
    throw new CommanderError(2, 'firn.cannotRun', error.message);
  }
}

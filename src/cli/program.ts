/** The `firn` command: what it is made of, and how it ends. */
import { Command, CommanderError } from 'commander';
import { isOperatingError } from '../base/errors.ts';
import { version } from '../base/version.ts';
import { Client } from '../client/client.ts';
import { auditList } from './audit-list.ts';
import { backupCreate } from './backup-create.ts';
import { backupDelete } from './backup-delete.ts';
import { backupDrill } from './backup-drill.ts';
import { backupList } from './backup-list.ts';
import { backupMount } from './backup-mount.ts';
import { backupUnmount } from './backup-unmount.ts';
import { backupRestore } from './backup-restore.ts';
import { backupShow } from './backup-show.ts';
import { configCheck } from './config-check.ts';
import { configOptions } from './config-options.ts';
import { backupVerify } from './backup-verify.ts';
import type { AddCommand, Context } from './context.ts';
import { findCloud, trustAuthority } from './credentials.ts';
import { doctor } from './doctor.ts';
import { holdCommands, protectionCommands } from './hold-commands.ts';
import { layersCheck } from './layers-check.ts';
import { layersExport } from './layers-export.ts';
import { layersList } from './layers-list.ts';
import { layersRepair } from './layers-repair.ts';
import { planCommands } from './plan-commands.ts';
import { repositoryAdopt } from './repository-adopt.ts';
import { repositoryImportCinder } from './repository-import-cinder.ts';
import { repositoryKey } from './repository-key.ts';
import { repositoryPrune } from './repository-prune.ts';
import { repositoryList } from './repository-list.ts';
import { repositoryMount } from './repository-mount.ts';
import { repositoryRestore } from './repository-restore.ts';
import { repositoryVerify } from './repository-verify.ts';
import { serve } from './serve.ts';
import { snapshotAttach } from './snapshot-attach.ts';
import { snapshotCreate } from './snapshot-create.ts';
import { snapshotDelete } from './snapshot-delete.ts';
import { snapshotDetach } from './snapshot-detach.ts';
import { snapshotExport } from './snapshot-export.ts';
import { snapshotList } from './snapshot-list.ts';
import { snapshotShow } from './snapshot-show.ts';
import { storeCheck } from './store-check.ts';
import { volumeAttach } from './volume-attach.ts';
import { volumeCreate } from './volume-create.ts';
import { volumeDelete } from './volume-delete.ts';
import { volumeDetach } from './volume-detach.ts';
import { volumeExport } from './volume-export.ts';
import { volumeExtend } from './volume-extend.ts';
import { volumeImport } from './volume-import.ts';
import { volumeList } from './volume-list.ts';
import { volumeRevert } from './volume-revert.ts';
import { volumeShow } from './volume-show.ts';

interface Group {
  readonly description: string;
  readonly commands: readonly AddCommand[];
}

const groups: Readonly<Record<string, Group>> = {
  volume: {
    description: 'disks for machines',
    commands: [
      volumeCreate,
      volumeList,
      volumeShow,
      volumeDelete,
      volumeExtend,
      volumeRevert,
      volumeAttach,
      volumeDetach,
      volumeImport,
      volumeExport,
    ],
  },
  snapshot: {
    description: 'what a volume held at one instant',
    commands: [
      snapshotCreate,
      snapshotList,
      snapshotShow,
      snapshotDelete,
      snapshotAttach,
      snapshotDetach,
      snapshotExport,
    ],
  },
  backup: {
    description: 'copies in secondary storage',
    commands: [
      backupCreate,
      backupList,
      backupShow,
      backupRestore,
      backupVerify,
      backupDrill,
      backupMount,
      backupUnmount,
      backupDelete,
    ],
  },
  plan: { description: 'what runs by itself, and what is kept', commands: planCommands },
  protection: {
    description: 'how well volumes are protected',
    commands: protectionCommands,
  },
  hold: { description: 'what is not to be deleted', commands: holdCommands },
  audit: { description: 'who changed what', commands: [auditList] },
  config: {
    description: 'how the service is set up',
    commands: [configCheck, configOptions],
  },
  layers: {
    description: 'what volumes are made of, in a data folder without a server',
    commands: [layersList, layersCheck, layersRepair, layersExport],
  },
  store: {
    description: 'secondary storage, without a server',
    commands: [storeCheck],
  },
  repository: {
    description: 'where backups lie in the store',
    commands: [
      repositoryList,
      repositoryAdopt,
      repositoryImportCinder,
      repositoryPrune,
      repositoryKey,
      repositoryVerify,
      repositoryRestore,
      repositoryMount,
    ],
  },
};

/** Exit codes: it worked; it could not be done; the command line makes no sense. */
const exitCode = { done: 0, failed: 1, usage: 2 } as const;

/**
 * Runs one command line, without the names of Node and the script, and returns the exit code. What
 * could not be done is one line on standard error; a programmer's mistake rejects.
 */
export async function runCli(
  args: readonly string[],
  surroundings: Omit<Context, 'connect'>,
): Promise<number> {
  const context: Context = {
    ...surroundings,
    connect: async (command) => {
      const { data } = command.optsWithGlobals<{ data?: string }>();
      const cloud = await findCloud(data, surroundings.environment);
      await trustAuthority(cloud, surroundings.environment);
      return new Client(cloud);
    },
  };
  try {
    await buildProgram(context).parseAsync(args, { from: 'user' });
    return exitCode.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitCode.done : exitCode.usage;
    }
    if (!isOperatingError(error)) throw error;
    const lines = error.message.split('\n');
    // A configuration is put right by hearing of all its mistakes; of a failure, the first line.
    const text = error.field === 'configuration' ? lines.join('\nfirn: ') : (lines[0] ?? '');
    surroundings.stderr.write(`firn: ${text}\n`);
    return exitCode.failed;
  }
}

function buildProgram(context: Context): Command {
  const program = new Command('firn')
    .description('Self-hosted block storage: instant snapshots, proven backups')
    .version(version, '-V, --version', 'print the release of Firn')
    .option('--data <DIR>', "the service's data folder; its clouds.yaml signs commands in")
    .option('--json', 'print results as JSON')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .showHelpAfterError('(add --help for what is possible)');
  serve(program, context);
  doctor(program, context);
  for (const [name, { description, commands }] of Object.entries(groups)) {
    const group = program.command(name).description(description);
    for (const add of commands) add(group, context);
  }
  return program;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '../base/errors.ts';
import type { Client } from '../client/client.ts';
import { waitForStatus } from '../client/wait.ts';
import { volumeDetails } from './columns.ts';
import type { AddCommand } from './context.ts';
import { parseGib } from './options.ts';
import { printItem } from './print.ts';
import { Progress } from './progress.ts';

interface Options {
  readonly volume?: string;
  readonly name?: string;
  readonly size?: number;
  readonly instant?: boolean;
  readonly wait?: boolean;
}

export const backupRestore: AddCommand = (parent, context) => {
  parent
    .command('restore')
    .description('restore a backup into a new volume, or over one that is there')
    .argument('<backup>', 'id or name')
    .option('--volume <volume>', 'overwrite this volume, by id or name')
    .option('--name <name>', 'the name of the new volume')
    .option('--size <GiB>', 'the size of the new volume, if larger than the backup', parseGib)
    .option('--instant', 'the new volume can be used at once, and is filled meanwhile')
    .option('--wait', 'wait until all data is there')
    .action(async (name: string, options: Options, command) => {
      const { volume, size, instant } = options;
      for (const [flag, given] of Object.entries({ name: options.name, size, instant })) {
        if (volume === undefined || given === undefined) continue;
        throw new OperatingError('invalid_input', `--volume and --${flag} exclude each other`);
      }
      const client = await context.connect(command);
      const backup = await client.backups.find(name);
      const target =
        options.volume === undefined
          ? {
              name: options.name ?? null,
              ...(size === undefined ? {} : { size }),
              ...(instant === undefined ? {} : { instant }),
            }
          : { volumeId: (await client.volumes.find(options.volume)).id };
      const { volumeId } = await client.restore(backup.id, target);
      if (options.wait === true) {
        const progress = new Progress(context.stderr, `restore of ${name}`);
        await waitForStatus({
          look: () => client.volumes.show(volumeId),
          until: 'available',
          what: `volume ${volumeId}`,
          onLook: async ({ status }) => {
            const job = await client.restoreJob(backup.id);
            if (job === undefined || job.bytes_total === 0) progress.say(status);
            else progress.show(job.bytes_done, job.bytes_total);
          },
        });
        await waitForBytes(client, volumeId, progress);
        progress.end();
      }
      printItem(context, command, volumeDetails, await client.volumes.show(volumeId));
    });
};

/** Waits until a volume that is used at once has all its bytes. */
async function waitForBytes(client: Client, volumeId: string, progress: Progress): Promise<void> {
  for (;;) {
    const hydration = await client.hydration(volumeId);
    if (hydration === null) return;
    progress.show(hydration.bytes_done, hydration.bytes_total);
    await sleep(200);
  }
}

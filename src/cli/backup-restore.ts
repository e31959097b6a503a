import { OperatingError } from '../base/errors.ts';
import { waitForStatus } from '../client/wait.ts';
import { volumeDetails } from './columns.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';
import { Progress } from './progress.ts';

interface Options {
  readonly volume?: string;
  readonly name?: string;
  readonly wait?: boolean;
}

export const backupRestore: AddCommand = (parent, context) => {
  parent
    .command('restore')
    .description('restore a backup into a new volume, or over one that is there')
    .argument('<backup>', 'id or name')
    .option('--volume <volume>', 'overwrite this volume, by id or name')
    .option('--name <name>', 'the name of the new volume')
    .option('--wait', 'wait until all data is there')
    .action(async (name: string, options: Options, command) => {
      if (options.volume !== undefined && options.name !== undefined) {
        throw new OperatingError('invalid_input', '--volume and --name exclude each other');
      }
      const client = await context.connect(command);
      const backup = await client.backups.find(name);
      const target =
        options.volume === undefined
          ? { name: options.name ?? null }
          : { volumeId: (await client.volumes.find(options.volume)).id };
      const { volumeId } = await client.restore(backup.id, target);
      if (options.wait === true) {
        const what = `restore of ${name}`;
        const progress = new Progress(context.stderr, what);
        await waitForStatus({
          look: () => client.volumes.show(volumeId),
          until: 'available',
          what: `volume ${volumeId}`,
          onLook: async ({ status }) => {
            const job = await client.restoreJob(backup.id);
            if (job === undefined || job.bytes_total === 0) progress.say(status);
            else progress.show(job.bytes_done, job.bytes_total);
          },
        }).finally(() => progress.end());
      }
      printItem(context, command, volumeDetails, await client.volumes.show(volumeId));
    });
};

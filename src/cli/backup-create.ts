import { isOperatingError } from '../base/errors.ts';
import { isUuid } from '../base/ids.ts';
import type { Client } from '../client/client.ts';
import { waitForStatus } from '../client/wait.ts';
import { backupDetails } from './columns.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';
import { Progress } from './progress.ts';

interface Options {
  readonly name?: string;
  readonly snapshot?: string;
  readonly description?: string;
  readonly container?: string;
  readonly incremental?: boolean;
  readonly force?: boolean;
  readonly wait?: boolean;
}

export const backupCreate: AddCommand = (parent, context) => {
  parent
    .command('create')
    .description('back a volume, or one of its snapshots, up to secondary storage')
    .argument('<volume>', 'id or name')
    .option('--name <name>')
    .option('--snapshot <snapshot>', 'back up what the volume held then')
    .option('--description <text>')
    .option('--container <name>', 'which repository of the store')
    .option('--incremental', 'say that it builds on the last backup')
    .option('--force', 'also when the volume is attached')
    .option('--wait', 'wait until every byte is durable')
    .action(async (volume: string, options: Options, command) => {
      const client = await context.connect(command);
      const { name, snapshot, description, container } = options;
      const id = await client.backups.create({
        volume_id: await volumeIdOf(client, volume),
        ...(snapshot === undefined
          ? {}
          : { snapshot_id: (await client.snapshots.find(snapshot)).id }),
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(container === undefined ? {} : { container }),
        incremental: options.incremental === true,
        force: options.force === true,
      });
      if (options.wait === true) {
        const what = `backup ${name ?? id}`;
        const progress = new Progress(context.stderr, what);
        await waitForStatus({
          look: () => client.backups.show(id),
          until: 'available',
          what,
          onLook: async () => {
            const { bytes_done, bytes_total } = await client.backupProgress(id);
            progress.show(bytes_done, bytes_total);
          },
        }).finally(() => progress.end());
      }
      printItem(context, command, backupDetails, await client.backups.show(id));
    });
};

/** An id that is no volume's goes to the service as it is: that tells what it is instead. */
async function volumeIdOf(client: Client, nameOrId: string): Promise<string> {
  try {
    return (await client.volumes.find(nameOrId)).id;
  } catch (error) {
    if (isUuid(nameOrId) && isOperatingError(error, 'not_found')) return nameOrId;
    throw error;
  }
}

import { OperatingError } from '../base/errors.ts';
import type { Client } from '../client/client.ts';
import { waitForStatus } from '../client/wait.ts';
import { volumeDetails } from './columns.ts';
import type { AddCommand } from './context.ts';
import { parseGib } from './options.ts';
import { printItem } from './print.ts';

interface Options {
  readonly size?: number;
  readonly snapshot?: string;
  readonly source?: string;
  readonly description?: string;
}

export const volumeCreate: AddCommand = (parent, context) => {
  parent
    .command('create')
    .description('make a volume: empty, or as a snapshot or another volume is now')
    .argument('<name>')
    .option('--size <GiB>', 'needed unless it begins as something else', parseGib)
    .option('--snapshot <snapshot>', 'begin as this snapshot')
    .option('--source <volume>', 'begin as this volume')
    .option('--description <text>')
    .action(async (name: string, options: Options, command) => {
      const client = await context.connect(command);
      const id = await client.volumes.create({ name, ...(await fieldsOf(client, options)) });
      const volume = await waitForStatus({
        look: () => client.volumes.show(id),
        until: 'available',
        what: `volume ${name}`,
      });
      printItem(context, command, volumeDetails, volume);
    });
};

async function fieldsOf(client: Client, options: Options): Promise<object> {
  const { size, snapshot, source, description } = options;
  const rest = description === undefined ? {} : { description };
  if (snapshot !== undefined && source !== undefined) {
    throw new OperatingError('invalid_input', '--snapshot and --source exclude each other');
  }
  if (snapshot !== undefined) {
    const found = await client.snapshots.find(snapshot);
    return { ...rest, snapshot_id: found.id, size: size ?? found.size };
  }
  if (source !== undefined) {
    const found = await client.volumes.find(source);
    return { ...rest, source_volid: found.id, size: size ?? found.size };
  }
  if (size === undefined) throw new OperatingError('invalid_input', '--size is missing');
  return { ...rest, size };
}

import { hostname } from 'node:os';
import type { Attachment } from '../client/block-storage-schema.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';
import type { Columns } from './print.ts';

const columns: Columns<Attachment> = {
  attachment: (attachment) => attachment.id,
  volume: (attachment) => attachment.volume_id,
  mode: (attachment) => attachment.attach_mode,
  uri: (attachment) => attachment.connection_info.uri,
  'unix uri': (attachment) => attachment.connection_info.unix_uri,
};

export const volumeAttach: AddCommand = (parent, context) => {
  parent
    .command('attach')
    .description('attach a volume to this host, and print the NBD URI of its bytes')
    .argument('<volume>', 'id or name')
    .option('--read-only')
    .action(async (name: string, options: { readOnly?: boolean }, command) => {
      const client = await context.connect(command);
      const { id } = await client.volumes.find(name);
      const mode = options.readOnly === true ? 'ro' : 'rw';
      const attachment = await client.attach(id, { host: hostname(), mode });
      printItem(context, command, columns, attachment);
    });
};

import { hostname } from 'node:os';
import type { SnapshotExport } from '../client/firn-schema.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';
import type { Columns } from './print.ts';

const columns: Columns<SnapshotExport> = {
  export: (each) => each.id,
  snapshot: (each) => each.snapshot_id,
  uri: (each) => each.uri,
  'unix uri': (each) => each.unix_uri,
};

export const snapshotAttach: AddCommand = (parent, context) => {
  parent
    .command('attach')
    .description('export a snapshot read-only, and print the NBD URI of its bytes')
    .argument('<snapshot>', 'id or name')
    .action(async (name: string, _options, command) => {
      const client = await context.connect(command);
      const { id } = await client.snapshots.find(name);
      printItem(context, command, columns, await client.exportSnapshot(id, hostname()));
    });
};

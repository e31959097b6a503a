import { formatBytes } from '../base/bytes.ts';
import type { Backup } from '../client/block-storage-schema.ts';
import type { BackupProgress } from '../client/firn-schema.ts';
import { backupDetails } from './columns.ts';
import type { AddCommand } from './context.ts';
import { type Columns, printItem } from './print.ts';

interface Shown extends Backup {
  readonly proof: BackupProgress;
}

const columns: Columns<Shown> = {
  ...backupDetails,
  verified: ({ proof: { verification } }) =>
    verification && `${verification.outcome}, ${verification.depth}, ${verification.at}`,
  'what is damaged': ({ proof: { verification } }) => verification?.reason ?? null,
  drill: ({ proof: { drill } }) => drill && `${drill.outcome}, ${drill.at}`,
  'needs alone': ({ proof: { space } }) => space && formatBytes(space.exclusive_bytes),
  'shares with others': ({ proof: { space } }) => space && formatBytes(space.shared_bytes),
  copies: ({ proof: { copies } }) =>
    copies.map(({ url, state, problem }) => `${url}: ${problem ?? state}`).join(', '),
};

export const backupShow: AddCommand = (parent, context) => {
  parent
    .command('show')
    .description('show one backup, when it was proven, and what it takes up')
    .argument('<backup>', 'id or name')
    .action(async (name: string, _options, command) => {
      const client = await context.connect(command);
      const backup = await client.backups.find(name);
      const proof = await client.backupProgress(backup.id);
      printItem(context, command, columns, { ...backup, proof });
    });
};

import { formatBytes } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import type { Repository } from '../client/firn-schema.ts';
import type { AddCommand } from './context.ts';
import { printList } from './print.ts';
import type { Columns } from './print.ts';
import { printBackups } from './repository-backups.ts';
import type { StoreFlags } from './store-flags.ts';

const columns: Columns<Repository> = {
  container: (repository) => repository.container,
  backups: (repository) => repository.backup_count,
  stored: (repository) => formatBytes(repository.bytes_stored),
};

export const repositoryList: AddCommand = (parent, context) => {
  parent
    .command('list')
    .description('list the repositories of a service; or the backups in a store, without one')
    .option('--store <URL>', 'secondary storage, such as file:///srv/backups')
    .option('--key-file <PATH>', 'the key of the backups')
    .option('--container <name>', 'of this repository; needed where there are several')
    .action(async (flags: Partial<StoreFlags>, command) => {
      const { store, keyFile } = flags;
      if (store !== undefined && keyFile !== undefined) {
        await printBackups(context, command, { ...flags, store, keyFile });
        return;
      }
      if (store !== undefined || keyFile !== undefined) {
        throw new OperatingError('invalid_input', '--store and --key-file go together');
      }
      const client = await context.connect(command);
      printList(context, command, columns, await client.repositories());
    });
};

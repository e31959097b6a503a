import { formatBytes } from '../base/bytes.ts';
import type { Repository } from '../client/firn-schema.ts';
import type { AddCommand } from './context.ts';
import { printList } from './print.ts';
import type { Columns } from './print.ts';

const columns: Columns<Repository> = {
  container: (repository) => repository.container,
  backups: (repository) => repository.backup_count,
  stored: (repository) => formatBytes(repository.bytes_stored),
};

export const repositoryList: AddCommand = (parent, context) => {
  parent
    .command('list')
    .description('list the repositories in the store')
    .action(async (_options, command) => {
      const client = await context.connect(command);
      printList(context, command, columns, await client.repositories());
    });
};

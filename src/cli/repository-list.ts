import { formatBytes } from '../base/bytes.ts';
import type { Repository } from '../client/firn-schema.ts';
import type { AddCommand } from './context.ts';
import { printList } from './print.ts';
import type { Columns } from './print.ts';
import { printBackups } from './repository-backups.ts';
import { addRepositoryOptions } from './repository-place.ts';

const columns: Columns<Repository> = {
  container: (repository) => repository.container,
  backups: (repository) => repository.backup_count,
  stored: (repository) => formatBytes(repository.bytes_stored),
  'last prune': ({ last_prune: job }) => lastPruneText(job),
};

function lastPruneText(job: Repository['last_prune']): string {
  if (job === undefined || job === null) return '-';
  return job.state === 'failed' ? `failed: ${job.error ?? ''}` : job.state;
}

export const repositoryList: AddCommand = (parent, context) => {
  addRepositoryOptions(parent.command('list'))
    .description('list the repositories of a service; with any of these, the backups of one')
    .action(async (flags: Readonly<Record<string, unknown>>, command) => {
      if (Object.keys(flags).length > 0) {
        await printBackups(context, command);
        return;
      }
      const client = await context.connect(command);
      printList(context, command, columns, await client.repositories());
    });
};

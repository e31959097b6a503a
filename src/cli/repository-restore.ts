import { formatBytes } from '../base/bytes.ts';
import type { AddCommand } from './context.ts';
import { Progress } from './progress.ts';
import { addRepositoryOptions } from './repository-place.ts';

export const repositoryRestore: AddCommand = (parent, context) => {
  addRepositoryOptions(parent.command('restore'))
    .description('restore a backup to a file or a disk, without a server')
    .argument('<backup>', 'id or name')
    .argument('<target>', 'a file that is not there yet, or a block device to be overwritten')
    .action(async (name: string, target: string, _options, command) => {
      const { withRepository, findBackup } = await import('./bare-repository.ts');
      const { restoreToFile } = await import('./restore-to-file.ts');
      const progress = new Progress(context.stderr, `restore of ${name}`);
      const lengthBytes = await withRepository(context, command, async (repository) => {
        const manifest = await findBackup(repository, name);
        const reader = await repository.openReader(manifest);
        try {
          await restoreToFile(reader, target, (done, total) => progress.show(done, total));
        } finally {
          reader.close();
        }
        return manifest.lengthBytes;
      }).finally(() => progress.end());
      context.stdout.write(`${target}: ${formatBytes(lengthBytes)}, each block checked\n`);
    });
};

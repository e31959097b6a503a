import { Option } from 'commander';
import { OperatingError } from '../base/errors.ts';
import type { VerifyDepth, VerifyReport } from '../repository/verify-report.ts';
import type { AddCommand, Context } from './context.ts';
import { printJson, wantsJson } from './print.ts';
import { Progress } from './progress.ts';
import { addRepositoryOptions } from './repository-place.ts';

export const repositoryVerify: AddCommand = (parent, context) => {
  addRepositoryOptions(parent.command('verify'))
    .description('check all of a store, or one backup, without a server; exit code 1 for damage')
    .argument('[backup]', 'id or name; all backups, and all objects, without it')
    .addOption(
      new Option('--depth <depth>', 'objects: all is there; blocks: all opens and is right')
        .choices(['objects', 'blocks'])
        .default('blocks'),
    )
    .action(async (name: string | undefined, flags: { depth: VerifyDepth }, command) => {
      const { withRepository, findBackup } = await import('./bare-repository.ts');
      const progress = new Progress(context.stderr, `verify of ${name ?? 'the repository'}`);
      const report = await withRepository(context, command, async (repository) => {
        const which = name === undefined ? 'all' : (await findBackup(repository, name)).backupId;
        return repository.verify(which, flags.depth, {
          onProgress: ({ bytesChecked }) => progress.show(bytesChecked, undefined),
        });
      }).finally(() => progress.end());
      if (wantsJson(command)) printJson(context.stdout, report);
      else print(context, report);
      const { objects, backups } = report;
      if (objects.length + backups.length === 0) return;
      const what = `${backups.length} backups are damaged, by ${objects.length} objects`;
      throw new OperatingError('corrupt', what);
    });
};

function print({ stdout }: Context, report: VerifyReport): void {
  const { backupsChecked, blocksChecked, objects, backups } = report;
  stdout.write(`checked ${backupsChecked} backups, ${blocksChecked} blocks\n`);
  for (const { name, message } of objects) stdout.write(`object ${name}: ${message}\n`);
  for (const { backupId, ranges, message } of backups) {
    if (ranges.length === 0) stdout.write(`backup ${backupId}: ${message}\n`);
    for (const { offsetBytes, lengthBytes } of ranges) {
      const end = offsetBytes + lengthBytes - 1;
      stdout.write(`backup ${backupId}: bytes ${offsetBytes}–${end}: ${message}\n`);
    }
  }
}

import { Option } from 'commander';
import { OperatingError } from '../base/errors.ts';
import type { CopyReport } from '../repository/verify-copies.ts';
import type { VerifyDepth } from '../repository/verify-report.ts';
import type { AddCommand, Context } from './context.ts';
import { printJson, wantsJson } from './print.ts';
import { Progress } from './progress.ts';
import { addRepositoryOptions } from './repository-place.ts';

interface Flags {
  readonly depth: VerifyDepth;
  readonly heal?: boolean;
}

export const repositoryVerify: AddCommand = (parent, context) => {
  addRepositoryOptions(parent.command('verify'))
    .description('check all of a store, or one backup, without a server; exit code 1 for damage')
    .argument('[backup]', 'id or name; all backups, and all objects, without it')
    .addOption(
      new Option('--depth <depth>', 'objects: all is there; blocks: all opens and is right')
        .choices(['objects', 'blocks'])
        .default('blocks'),
    )
    .option('--heal', 'make good what is damaged, from the other copy (--store-copy)')
    .action(async (name: string | undefined, { depth, heal = false }: Flags, command) => {
      const { withRepository, findBackup } = await import('./bare-repository.ts');
      const { verifyCopies } = await import('../repository/verify-copies.ts');
      const progress = new Progress(context.stderr, `verify of ${name ?? 'the repository'}`);
      const reports = await withRepository(context, command, async (repository) => {
        const which = name === undefined ? 'all' : (await findBackup(repository, name)).backupId;
        return verifyCopies(repository, which, depth, {
          heal,
          onProgress: ({ bytesChecked }) => progress.show(bytesChecked, undefined),
        });
      }).finally(() => progress.end());
      const [only] = reports;
      if (wantsJson(command)) printJson(context.stdout, reports.length === 1 ? only : reports);
      else for (const [copy, report] of reports.entries()) print(context, report, copy);
      throwIfDamaged(reports);
    });
};

function throwIfDamaged(reports: readonly CopyReport[]): void {
  const backups = new Set(reports.flatMap((it) => it.backups.map(({ backupId }) => backupId)));
  const objects = reports.reduce((sum, it) => sum + it.objects.length, 0);
  if (objects + backups.size === 0) return;
  const what = `damaged: ${backups.size} backups, ${objects} objects`;
  const reasons = [...new Set(reports.flatMap((it) => it.unhealedReason ?? []))];
  const why = reasons.map((reason) => `; not healed: ${reason}`).join('');
  throw new OperatingError('corrupt', what + why);
}

function print({ stdout }: Context, report: CopyReport, copy: number): void {
  const { backupsChecked, blocksChecked, objects, backups, healed, unhealedReason } = report;
  const not = unhealedReason === null ? '' : 'not healed: ';
  const where = copy === 0 ? '' : ' in the copy';
  stdout.write(`checked ${backupsChecked} backups, ${blocksChecked} blocks${where}\n`);
  for (const { name, message } of healed) stdout.write(`healed ${name}${where}: ${message}\n`);
  for (const { name, message } of objects)
    stdout.write(`${not}object ${name}${where}: ${message}\n`);
  for (const { backupId, ranges, message } of backups) {
    if (ranges.length === 0) stdout.write(`${not}backup ${backupId}${where}: ${message}\n`);
    for (const { offsetBytes, lengthBytes } of ranges) {
      const end = offsetBytes + lengthBytes - 1;
      stdout.write(`${not}backup ${backupId}${where}: bytes ${offsetBytes}–${end}: ${message}\n`);
    }
  }
}

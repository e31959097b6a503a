import { OperatingError } from '../base/errors.ts';
import { checkFolder, checkFolderInUse } from '../inspect/check.ts';
import type { CheckReport } from '../inspect/check.ts';
import type { Context, AddCommand } from './context.ts';
import { printFindings } from './layers-findings.ts';
import { orCannotRun, volumesFolder, warnInUse } from './layers-folder.ts';
import { printJson, wantsJson } from './print.ts';
import { Progress } from './progress.ts';

export const layersCheck: AddCommand = (parent, context) => {
  parent
    .command('check')
    .description('look for faults in the volumes of a data folder; changes nothing')
    .option('--data-read', 'read all data too, to find what the disk cannot read')
    .addHelpText('after', '\nExit code: 0 no damage, 1 damage, 2 the check could not be run.')
    .action(async (options: { dataRead?: boolean }, command) => {
      const place = await orCannotRun(context, () => volumesFolder(context, command));
      warnInUse(context, place);
      const check = place.isInUse ? checkFolderInUse : checkFolder;
      const report = await orCannotRun(context, () =>
        withProgress(context, options.dataRead === true, (onDataRead) =>
          check(place.folder, { onDataRead }),
        ),
      );
      if (wantsJson(command)) printJson(context.stdout, { folder: place.folder, ...report });
      else printReport(context, place.folder, report);
      assertNoDamage(report);
    });
};

/** Rejects, so that the exit code is 1, when there is damage. */
export function assertNoDamage({ findings }: CheckReport): void {
  const count = findings.filter((finding) => finding.severity === 'damage').length;
  if (count === 0) return;
  throw new OperatingError(
    'corrupt',
    `${count} ${count === 1 ? 'fault was' : 'faults were'} found`,
  );
}

/** A report for a person. */
export function printReport({ stdout }: Context, folder: string, report: CheckReport): void {
  const { volumes, snapshots, layers, findings } = report;
  stdout.write(
    `${folder}: ${count(volumes, 'volume')}, ${count(snapshots, 'snapshot')}, ` +
      `${count(layers, 'layer')}\n`,
  );
  printFindings(stdout, findings);
  const of = (severity: string): number =>
    findings.filter((finding) => finding.severity === severity).length;
  stdout.write(
    findings.length === 0
      ? 'Nothing is wrong.\n'
      : `\nDamage: ${of('damage')}. Leftovers: ${of('leftover')}. Notes: ${of('note')}.\n`,
  );
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

async function withProgress<T>(
  context: Context,
  wanted: boolean,
  work: (onDataRead: ((bytes: number) => void) | undefined) => Promise<T>,
): Promise<T> {
  if (!wanted) return work(undefined);
  const progress = new Progress(context.stderr, 'read');
  let bytesDone = 0;
  try {
    return await work((bytes) => {
      bytesDone += bytes;
      progress.show(bytesDone, undefined);
    });
  } finally {
    progress.end();
  }
}

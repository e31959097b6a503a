import { OperatingError } from '../base/errors.ts';
import { systemClock } from '../base/clock.ts';
import { checkFolder } from '../inspect/check.ts';
import type { RepairPlan } from '../inspect/repair-plan.ts';
import { planRepair } from '../inspect/repair-plan.ts';
import type { AddCommand, Context } from './context.ts';
import { assertNoDamage, printReport } from './layers-check.ts';
import { printFindings } from './layers-findings.ts';
import { orCannotRun, volumesFolder } from './layers-folder.ts';
import { printJson, wantsJson } from './print.ts';

export const layersRepair: AddCommand = (parent, context) => {
  parent
    .command('repair')
    .description('show how the volumes of a data folder can be repaired safely; --apply does it')
    .option('--apply', 'do what is shown')
    .addHelpText('after', '\nExit code: 0 no damage is left, 1 some is, 2 it could not be run.')
    .action(async (options: { apply?: boolean }, command) => {
      const place = await orCannotRun(context, () => volumesFolder(context, command));
      const release = await orCannotRun(context, () => take(place.dataFolder));
      try {
        const plan = await orCannotRun(context, () => planRepair(place.folder));
        const { steps, remaining } = plan;
        if (wantsJson(command) && options.apply !== true) {
          printJson(context.stdout, { folder: place.folder, steps, remaining });
          return;
        }
        if (!wantsJson(command)) printPlan(context, plan);
        if (options.apply !== true) return;
        for (const step of steps) {
          await orCannotRun(context, () => step.run(systemClock));
          if (!wantsJson(command)) context.stdout.write(`Done: ${step.verb} ${step.path}\n`);
        }
        const report = await orCannotRun(context, () => checkFolder(place.folder));
        if (wantsJson(command)) printJson(context.stdout, { steps, ...report });
        else printReport(context, place.folder, report);
        assertNoDamage(report);
      } finally {
        release();
      }
    });
};

/** Keeps a service from starting in the folder meanwhile; rejects when one runs. */
async function take(dataFolder: string | undefined): Promise<() => void> {
  if (dataFolder === undefined) return () => undefined;
  const { takeDataFolder } = await import('../server/data-folder.ts');
  try {
    const taken = await takeDataFolder(dataFolder);
    return () => taken.release();
  } catch (error) {
    if (!(error instanceof OperatingError) || error.code !== 'conflict') throw error;
    const message = `${dataFolder} cannot be repaired while a Firn runs on it; stop that first`;
    throw new OperatingError('conflict', message, { cause: error });
  }
}

function printPlan({ stdout }: Context, { steps, remaining }: RepairPlan): void {
  if (steps.length === 0) {
    const more = remaining.length > 0 ? ' that can be repaired safely' : ' to repair';
    stdout.write(`There is nothing${more}.\n`);
  }
  for (const { verb, path, what } of steps) stdout.write(`${verb}: ${path}\n  ${what}\n`);
  if (remaining.length > 0) {
    stdout.write('\nThis cannot be repaired:\n');
    printFindings(stdout, remaining);
  }
  stdout.write('\n');
}

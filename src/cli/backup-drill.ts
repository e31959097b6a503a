import { OperatingError } from '../base/errors.ts';
import { watchJob } from './backup-verify.ts';
import type { AddCommand } from './context.ts';
import { printJson, wantsJson } from './print.ts';
import { Progress } from './progress.ts';

export const backupDrill: AddCommand = (parent, context) => {
  parent
    .command('drill')
    .description('restore a backup for a test, and check what is there; exit code 1 for faults')
    .argument('<backup>', 'id or name')
    .action(async (name: string, _options, command) => {
      const client = await context.connect(command);
      const { id } = await client.backups.find(name);
      const job = await client.drill(id);
      await watchJob(client, id, job, new Progress(context.stderr, `drill of ${name}`));
      const { drill } = await client.backupProgress(id);
      if (drill === null || drill === undefined) {
        throw new OperatingError('not_found', `${name} was deleted before it was tested`);
      }
      if (wantsJson(command)) printJson(context.stdout, drill);
      else context.stdout.write(`${drill.log}\noutcome: ${drill.outcome}\n`);
      if (drill.outcome === 'damaged') {
        throw new OperatingError('corrupt', `the restore test of ${name} has found faults`);
      }
    });
};

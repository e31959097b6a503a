import { OperatingError } from '../base/errors.ts';
import type { AddCommand } from './context.ts';

export const snapshotDetach: AddCommand = (parent, context) => {
  parent
    .command('detach')
    .description('end an export of a snapshot; its NBD URI is void from then on')
    .argument('<snapshot>', 'id or name')
    .option('--export <id>', 'which, when there is more than one')
    .action(async (name: string, options: { export?: string }, command) => {
      const client = await context.connect(command);
      const { id } = await client.snapshots.find(name);
      const all = await client.snapshotExports(id);
      const chosen = all.filter(
        (each) => options.export === undefined || each.id === options.export,
      );
      const [first, second] = chosen;
      if (first === undefined) {
        throw new OperatingError(
          'not_found',
          options.export === undefined
            ? `snapshot ${name} is not exported`
            : `snapshot ${name} has no export ${options.export}`,
        );
      }
      if (second !== undefined) {
        throw new OperatingError(
          'invalid_input',
          `snapshot ${name} is exported more than once; choose with --export: ` +
            all.map((each) => each.id).join(', '),
        );
      }
      await client.endExport(first);
    });
};

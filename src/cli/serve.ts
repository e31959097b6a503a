import type { Command } from 'commander';
import { addServeOptions, sourceOf } from './serve-options.ts';
import type { AddCommand } from './context.ts';

/** `firn serve`: flags win over the environment, which wins over the configuration file. */
export const serve: AddCommand = (parent, context) => {
  const command = parent
    .command('serve')
    .description('run the service in the foreground; --data names its folder (FIRN_DATA)');
  addServeOptions(command).action(async (_options, given: Command) => {
    await context.serve(sourceOf(given, context.environment));
  });
};

import { flagOf, type OptionEntry, optionList, variableOf } from '../server/config-options.ts';
import type { AddCommand } from './context.ts';
import { type Columns, printList } from './print.ts';

const columns: Columns<OptionEntry> = {
  'in the file': ({ key }) => key,
  flag: flagOf,
  environment: variableOf,
  value: ({ value }) => value,
  default: ({ initial, otherwise }) => initial ?? otherwise,
  about: ({ about }) => about,
};

export const configOptions: AddCommand = (parent, context) => {
  parent
    .command('options')
    .description('everything that can be set')
    .action((_options, command) => printList(context, command, columns, optionList));
};

/** `firn hold …` and `firn protection …` */
import { Argument } from 'commander';
import type { Client } from '../client/client.ts';
import type { AddCommand } from './context.ts';
import { holdColumns, protectionColumns } from './plan-columns.ts';
import { printItem, printList } from './print.ts';

const kind = new Argument('<kind>').choices(['volume', 'snapshot', 'backup']);

async function idOf(client: Client, what: string, name: string): Promise<string> {
  if (what === 'volume') return (await client.volumes.find(name)).id;
  if (what === 'snapshot') return (await client.snapshots.find(name)).id;
  return (await client.backups.find(name)).id;
}

const holdPlace: AddCommand = (parent, context) => {
  parent
    .command('place')
    .description('keep a volume, snapshot or backup from being deleted, by whomever')
    .addArgument(kind)
    .argument('<name>', 'id or name')
    .option('--reason <text>')
    .action(async (what: string, name: string, options: { reason?: string }, command) => {
      const client = await context.connect(command);
      const id = await idOf(client, what, name);
      printItem(context, command, holdColumns, await client.plans.hold(what, id, options.reason));
    });
};

const holdRelease: AddCommand = (parent, context) => {
  parent
    .command('release')
    .description('release a hold')
    .addArgument(kind)
    .argument('<name>', 'id or name')
    .action(async (what: string, name: string, _options, command) => {
      const client = await context.connect(command);
      await client.plans.release(what, await idOf(client, what, name));
    });
};

const holdList: AddCommand = (parent, context) => {
  parent
    .command('list')
    .description('list the holds of the project')
    .action(async (_options, command) => {
      const client = await context.connect(command);
      printList(context, command, holdColumns, await client.plans.holds());
    });
};

const protectionList: AddCommand = (parent, context) => {
  parent
    .command('list')
    .description('list the volumes of the project, each with how well it is protected')
    .action(async (_options, command) => {
      const client = await context.connect(command);
      printList(context, command, protectionColumns, await client.plans.protection());
    });
};

export const holdCommands: readonly AddCommand[] = [holdPlace, holdRelease, holdList];
export const protectionCommands: readonly AddCommand[] = [protectionList];

/** `firn plan …` */
import type { AddCommand } from './context.ts';
import { planColumns, planDetails, runColumns, whatIfColumns, whatIfText } from './plan-columns.ts';
import { addPlanOptions, planFields, type PlanOptions } from './plan-options.ts';
import { printItem, printJson, printList, wantsJson } from './print.ts';

const planCreate: AddCommand = (parent, context) => {
  addPlanOptions(parent.command('create'))
    .description('make a plan: what is done, when, of which volumes, and what is kept')
    .argument('<name>')
    .action(async (name: string, options: PlanOptions, command) => {
      const client = await context.connect(command);
      const fields = await planFields(client, { every: 'daily', ...options });
      printItem(context, command, planDetails, await client.plans.create({ name, ...fields }));
    });
};

const planList: AddCommand = (parent, context) => {
  parent
    .command('list')
    .description('list the plans of the project')
    .action(async (_options, command) => {
      const client = await context.connect(command);
      printList(context, command, planColumns, await client.plans.list());
    });
};

const planShow: AddCommand = (parent, context) => {
  parent
    .command('show')
    .description('show a plan with its next runs')
    .argument('<plan>', 'id or name')
    .action(async (name: string, _options, command) => {
      const client = await context.connect(command);
      printItem(context, command, planDetails, await client.plans.find(name));
    });
};

const planSet: AddCommand = (parent, context) => {
  addPlanOptions(parent.command('set'))
    .description('change a plan; what is kept is given whole')
    .argument('<plan>', 'id or name')
    .option('--name <name>')
    .option('--on', 'let it run')
    .option('--off', 'let it rest; nothing is made and nothing deleted')
    .action(async (plan: string, options: PlanOptions & Record<string, unknown>, command) => {
      const client = await context.connect(command);
      const { id } = await client.plans.find(plan);
      const changes = {
        ...(await planFields(client, options)),
        ...(typeof options['name'] === 'string' ? { name: options['name'] } : {}),
        ...(options['on'] === true ? { enabled: true } : {}),
        ...(options['off'] === true ? { enabled: false } : {}),
      };
      printItem(context, command, planDetails, await client.plans.change(id, changes));
    });
};

const planDelete: AddCommand = (parent, context) => {
  parent
    .command('delete')
    .description('delete a plan')
    .argument('<plan>', 'id or name')
    .option('--keep-made', 'what it made stays, as if made by hand')
    .option('--delete-made', 'what it made is deleted too')
    .action(async (name: string, options: { keepMade?: true; deleteMade?: true }, command) => {
      const client = await context.connect(command);
      const made = options.deleteMade === true ? 'delete' : options.keepMade && 'keep';
      const { id } = await client.plans.find(name);
      await client.plans.delete(id, made);
    });
};

const planRun: AddCommand = (parent, context) => {
  parent
    .command('run')
    .description('run a plan now, for all of its volumes or one')
    .argument('<plan>', 'id or name')
    .option('--volume <volume>', 'id or name')
    .action(async (name: string, options: { volume?: string }, command) => {
      const client = await context.connect(command);
      const { volume } = options;
      const volumeId = volume === undefined ? undefined : (await client.volumes.find(volume)).id;
      const count = await client.plans.run((await client.plans.find(name)).id, volumeId);
      context.stderr.write(`${count} volumes are due now.\n`);
    });
};

const planRuns: AddCommand = (parent, context) => {
  parent
    .command('runs')
    .description('list the newest runs')
    .option('--plan <plan>', 'id or name')
    .option('--state <state>', 'running, done, failed or skipped')
    .action(async (options: { plan?: string; state?: string }, command) => {
      const client = await context.connect(command);
      const { plan, state } = options;
      const runs = await client.plans.runs({
        limit: '50',
        ...(plan === undefined ? {} : { plan_id: (await client.plans.find(plan)).id }),
        ...(state === undefined ? {} : { state }),
      });
      printList(context, command, runColumns, runs);
    });
};

const planWhatIf: AddCommand = (parent, context) => {
  addPlanOptions(parent.command('what-if'))
    .description('show what a plan would keep and delete, without saving it')
    .option('--plan <plan>', 'the plan that is there, whose backups are judged')
    .option('--until <time>', 'think on until then, as if all runs went well')
    .action(async (options: PlanOptions & { plan?: string; until?: string }, command) => {
      const client = await context.connect(command);
      const saved = options.plan === undefined ? undefined : await client.plans.find(options.plan);
      const base = saved ?? { name: 'what-if', schedule: 'daily' };
      const { name, schedule } = base;
      const kept = saved === undefined ? {} : planAsInput(saved);
      const until = options.until === undefined ? undefined : new Date(options.until).toISOString();
      const outcome = await client.plans.whatIf({
        plan: { ...kept, name, schedule, ...(await planFields(client, options)) },
        ...(saved === undefined ? {} : { plan_id: saved.id }),
        ...(until === undefined ? {} : { until }),
      });
      if (wantsJson(command)) {
        printJson(context.stdout, outcome);
        return;
      }
      printList(context, command, whatIfColumns, outcome.items);
      context.stdout.write(whatIfText(outcome));
    });
};

function planAsInput(plan: object): object {
  const names = ['action', 'selection', 'time_zone', 'spread_minutes', 'retention'];
  return Object.fromEntries(Object.entries(plan).filter(([key]) => names.includes(key)));
}

export const planCommands: readonly AddCommand[] = [
  planCreate,
  planList,
  planShow,
  planSet,
  planDelete,
  planRun,
  planRuns,
  planWhatIf,
];

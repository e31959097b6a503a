import { setTimeout as sleep } from 'node:timers/promises';
import { formatBytes } from '../base/bytes.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { Client } from '../client/client.ts';
import type { PruneForecast } from '../client/firn-schema.ts';
import type { AddCommand, Context } from './context.ts';
import { type Columns, printList } from './print.ts';
import { Progress } from './progress.ts';

interface Flags {
  readonly container?: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
}

interface Shown extends PruneForecast {
  readonly container: string;
}

const columns: Columns<Shown> = {
  container: ({ container }) => container,
  stored: (shown) => formatBytes(shown.bytes_total),
  'gives back': (shown) => formatBytes(shown.bytes_freed),
  'and later': (shown) => formatBytes(shown.bytes_deferred),
  'packs removed': (shown) => shown.packs_removed,
  'packs rewritten': (shown) => shown.packs_rewritten,
};

export const repositoryPrune: AddCommand = (parent, context) => {
  parent
    .command('prune')
    .description('give back what no backup refers to; Firn does so itself after deletions')
    .option('--container <NAME>', 'this repository only')
    .option('--dry-run', 'only say what would be given back')
    .option('--wait', 'until it is done, and say what it waits for itself')
    .action(async (options: Flags, command) => {
      const client = await context.connect(command);
      const { container: named } = options;
      const broken: string[] = [];
      const shown =
        named === undefined ? await forecasts(client, broken) : [await forecast(client, named)];
      printList(context, command, columns, shown);
      const begun = options.dryRun === true ? [] : shown;
      for (const { container } of begun) await client.prune(container);
      if (options.wait === true) {
        for (const { container } of begun) await untilPruned(client, container, context);
      }
      if (broken.length > 0) throw new OperatingError('io', broken.join('\n'));
    });
};

async function forecast(client: Client, container: string): Promise<Shown> {
  return { container, ...(await client.forecastPrune(container)) };
}

/**
 * Of every repository, also of one whose last backup was deleted; other containers have none. One
 * that cannot be opened keeps nobody from pruning the others, and is told in `broken`.
 */
async function forecasts(client: Client, broken: string[]): Promise<Shown[]> {
  const shown: Shown[] = [];
  for (const { container } of await client.repositories()) {
    try {
      shown.push(await forecast(client, container));
    } catch (error) {
      if (!isOperatingError(error) || error.code === 'forbidden') throw error;
      if (error.code !== 'not_found') broken.push(`${container}: ${error.message}`);
    }
  }
  return shown;
}

const pauseMs = 500;

/** Rejects when the prune has failed. */
async function untilPruned(client: Client, container: string, { stderr }: Context): Promise<void> {
  const progress = new Progress(stderr, `prune of ${container}`);
  try {
    for (;;) {
      const job = await client.pruneJob(container);
      if (job === undefined || job.state === 'done') return;
      if (job.state === 'failed') {
        throw new OperatingError('unavailable', job.error ?? 'it could not be done');
      }
      const { waits_for: what } = job;
      progress.say(what === undefined || what === null ? job.state : `waits for ${what}`);
      await sleep(pauseMs);
    }
  } finally {
    progress.end();
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '../base/errors.ts';
import type { Client } from '../client/client.ts';
import type { Job, Verification } from '../client/firn-schema.ts';
import type { AddCommand, Context } from './context.ts';
import { printItem } from './print.ts';
import type { Columns } from './print.ts';
import { Progress } from './progress.ts';

const columns: Columns<Verification> = {
  outcome: (verification) => verification.outcome,
  depth: (verification) => verification.depth,
  at: (verification) => verification.at,
  'damaged ranges': ({ damaged_ranges: ranges }) =>
    ranges.map((each) => `${each.offset_bytes}+${each.length_bytes}`).join(', '),
  reason: (verification) => verification.reason,
};

export const backupVerify: AddCommand = (parent, context) => {
  parent
    .command('verify')
    .description('read a backup back and check it; the exit code is 1 when it is damaged')
    .argument('<backup>', 'id or name')
    .option(
      '--depth <depth>',
      'objects: all is there; blocks: all opens and is right; filesystem: and passes its check',
      'blocks',
    )
    .action(async (name: string, { depth }: { depth: string }, command) => {
      const client = await context.connect(command);
      const { id } = await client.backups.find(name);
      const job = await client.verify(id, depth);
      await watchJob(client, id, job, new Progress(context.stderr, `verify of ${name}`));
      await printOutcome(client, id, { context, command, name });
    });
};

const pauseMs = 200;

/** Shows a job of a backup until it has ended. Rejects when it has failed. */
export async function watchJob(
  client: Client,
  backupId: string,
  job: Job,
  progress: Progress,
): Promise<void> {
  try {
    for (let now: Job | undefined = job; now !== undefined && now.state !== 'done';) {
      if (now.state === 'failed') {
        throw new OperatingError('unavailable', 'it could not be done: see the messages');
      }
      if (now.bytes_total === 0) progress.say(now.state);
      else progress.show(now.bytes_done, now.bytes_total);
      await sleep(pauseMs);
      now = await client.backupJob(backupId, job.id);
    }
  } finally {
    progress.end();
  }
}

async function printOutcome(
  client: Client,
  backupId: string,
  {
    context,
    command,
    name,
  }: { context: Context; command: Parameters<AddCommand>[0]; name: string },
): Promise<void> {
  const { verification } = await client.backupProgress(backupId);
  if (verification === null) {
    throw new OperatingError('not_found', `${name} was deleted before it was verified`);
  }
  printItem(context, command, columns, verification);
  if (verification.outcome === 'damaged') {
    throw new OperatingError('corrupt', `${name} is damaged: ${verification.reason ?? ''}`);
  }
}

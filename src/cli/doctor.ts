import { OperatingError } from '../base/errors.ts';
import { gatherOptions } from '../server/config-source.ts';
import { readConfig } from '../server/config.ts';
import type { Finding } from '../server/doctor.ts';
import type { AddCommand } from './context.ts';
import { type Columns, printList } from './print.ts';
import { addServeOptions, sourceOf } from './serve-options.ts';

const columns: Columns<Finding> = {
  '': ({ state }) => ({ good: '✔', note: '!', bad: '✖' })[state],
  what: ({ what }) => what,
  found: ({ found }) => found,
  'what to do': ({ advice }) => advice,
};

/** `firn doctor`: takes what `firn serve` takes; exit code 1 when something is bad. */
export const doctor: AddCommand = (parent, context) => {
  const command = parent
    .command('doctor')
    .description('look at disk, permissions, clock, ports, store, key and catalogue of this host');
  addServeOptions(command).action(async (_options, given) => {
    const gathered = await gatherOptions(sourceOf(given, context.environment));
    // Loaded when needed: the commands of a client start without the service's modules.
    const { examine } = await import('../server/doctor.ts');
    const findings = await examine(readConfig(gathered.given));
    printList(context, given, columns, findings);
    const count = findings.filter(({ state }) => state === 'bad').length;
    if (count > 0) {
      throw new OperatingError('invalid_state', `${count} of ${findings.length} are bad`);
    }
  });
};

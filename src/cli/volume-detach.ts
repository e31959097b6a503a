import { OperatingError } from '../base/errors.ts';
import type { AddCommand } from './context.ts';

export const volumeDetach: AddCommand = (parent, context) => {
  parent
    .command('detach')
    .description('end an attachment of a volume; its NBD URI is void from then on')
    .argument('<volume>', 'id or name')
    .option('--attachment <id>', 'which, when there is more than one')
    .action(async (name: string, options: { attachment?: string }, command) => {
      const client = await context.connect(command);
      const { attachments } = await client.volumes.find(name);
      const ids = attachments.map((attachment) => attachment.attachment_id);
      const id = options.attachment ?? (ids.length === 1 ? ids[0] : undefined);
      if (id === undefined) {
        throw new OperatingError(
          'invalid_input',
          ids.length === 0
            ? `volume ${name} is not attached`
            : `volume ${name} is attached more than once; choose with --attachment: ` +
                ids.join(', '),
        );
      }
      if (!ids.includes(id)) {
        throw new OperatingError('not_found', `volume ${name} has no attachment ${id}`);
      }
      await client.detach(id);
    });
};

import { open, rm } from 'node:fs/promises';
import { fromSystemError } from '../base/errors.ts';
import { certificatesFlag, withAttached } from './attached.ts';
import type { AddCommand } from './context.ts';
import { copyOut } from './copy-pieces.ts';
import { Progress } from './progress.ts';

export const volumeExport: AddCommand = (parent, context) => {
  parent
    .command('export')
    .description('write what a volume holds into a new raw image file')
    .argument('<volume>', 'id or name')
    .argument('<file>', 'must not be there yet')
    .option(certificatesFlag.flags, certificatesFlag.description)
    .action(async (name: string, path: string, options: { nbdCertificates?: string }, command) => {
      const certificates = certificatesFlag.from(options, context.environment);
      const client = await context.connect(command);
      const { id } = await client.volumes.find(name);
      await using file = await open(path, 'wx').catch((error: unknown) => {
        throw fromSystemError(error, `${path} cannot be made`);
      });
      const progress = new Progress(context.stderr, `export of ${name}`);
      try {
        await withAttached(client, id, { mode: 'ro', certificates }, (device) =>
          copyOut(device, file, (bytesDone) => progress.show(bytesDone, device.lengthBytes)),
        ).finally(() => progress.end());
      } catch (error) {
        await rm(path, { force: true });
        throw fromSystemError(error, `${path} cannot be written`);
      }
    });
};

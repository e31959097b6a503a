import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { GiB } from '../base/bytes.ts';
import { OperatingError, fromSystemError } from '../base/errors.ts';
import { waitForStatus } from '../client/wait.ts';
import { certificatesFlag, withAttached } from './attached.ts';
import { volumeDetails } from './columns.ts';
import type { AddCommand } from './context.ts';
import { copyIn } from './copy-pieces.ts';
import { parseGib } from './options.ts';
import { printItem } from './print.ts';
import { Progress } from './progress.ts';

interface ImportOptions {
  readonly name?: string;
  readonly size?: number;
  readonly nbdCertificates?: string;
}

export const volumeImport: AddCommand = (parent, context) => {
  parent
    .command('import')
    .description('make a volume that holds what a raw image file holds')
    .argument('<file>')
    .option('--name <name>', 'of the volume; the name of the file otherwise')
    .option('--size <GiB>', 'of the volume; just enough for the file otherwise', parseGib)
    .option(certificatesFlag.flags, certificatesFlag.description)
    .action(async (path: string, options: ImportOptions, command) => {
      const certificates = certificatesFlag.from(options, context.environment);
      const client = await context.connect(command);
      await using file = await open(path, 'r').catch((error: unknown) => {
        throw fromSystemError(error, `${path} cannot be read`);
      });
      const facts = await file.stat();
      if (!facts.isFile()) throw new OperatingError('invalid_input', `${path} is no file`);
      const name = options.name ?? basename(path);
      const size = options.size ?? Math.max(1, Math.ceil(facts.size / GiB));
      if (size * GiB < facts.size) {
        throw new OperatingError('invalid_input', `${path} does not fit into ${size} GiB`);
      }
      const id = await client.volumes.create({ name, size });
      const look = () => client.volumes.show(id);
      const what = `volume ${name}`;
      await waitForStatus({ look, until: 'available', what });
      const progress = new Progress(context.stderr, `import of ${path}`);
      await withAttached(client, id, { mode: 'rw', certificates }, (device) =>
        copyIn(file, facts.size, device, (bytesDone) => progress.show(bytesDone, facts.size)),
      ).finally(() => progress.end());
      const volume = await waitForStatus({ look, until: 'available', what });
      printItem(context, command, volumeDetails, volume);
    });
};

import { certificatesFlag, withAttached } from './attached.ts';
import type { AddCommand } from './context.ts';
import { exportToFile } from './export-file.ts';

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
      await exportToFile(context, { path, name }, (work) =>
        withAttached(client, id, { mode: 'ro', certificates }, work),
      );
    });
};

import { certificatesFlag, withExported } from './attached.ts';
import type { AddCommand } from './context.ts';
import { exportToFile } from './export-file.ts';

export const snapshotExport: AddCommand = (parent, context) => {
  parent
    .command('export')
    .description('write what a snapshot holds into a new raw image file')
    .argument('<snapshot>', 'id or name')
    .argument('<file>', 'must not be there yet')
    .option(certificatesFlag.flags, certificatesFlag.description)
    .action(async (name: string, path: string, options: { nbdCertificates?: string }, command) => {
      const certificates = certificatesFlag.from(options, context.environment);
      const client = await context.connect(command);
      const { id } = await client.snapshots.find(name);
      await exportToFile(context, { path, name }, (work) =>
        withExported(client, id, { certificates }, work),
      );
    });
};

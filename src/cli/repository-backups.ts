import { formatBytes, GiB } from '../base/bytes.ts';
import type { OperatingError } from '../base/errors.ts';
import type { Command } from 'commander';
import type { Context } from './context.ts';
import { printAligned, printJson, wantsJson } from './print.ts';

/** Prints the backups of a repository, without a server. */
export async function printBackups(context: Context, command: Command): Promise<void> {
  const { withRepository } = await import('./bare-repository.ts');
  const rows: string[][] = [];
  const items: object[] = [];
  let undescribed: OperatingError | undefined;
  await withRepository(context, command, async (repository) => {
    for await (const found of repository.listBackups()) {
      if ('error' in found) {
        items.push({ id: found.backupId, damaged: found.error.message });
        rows.push([found.backupId, `damaged: ${found.error.message}`, '-', '-', '-']);
        continue;
      }
      const { backupId: id, name, volume, dataTimestamp, lengthBytes } = found;
      const size = lengthBytes / GiB;
      items.push({ id, name, volume: volume.volumeId, volume_name: volume.name, size });
      const of = volume.name ?? volume.volumeId;
      rows.push([id, name ?? '-', of, dataTimestamp, formatBytes(lengthBytes)]);
    }
    if (items.length === 0) undescribed = await repository.findUndescribed();
  });
  if (wantsJson(command)) printJson(context.stdout, items);
  else printAligned(context.stdout, [['ID', 'NAME', 'VOLUME', 'DATA OF', 'SIZE'], ...rows]);
  if (undescribed !== undefined) throw undescribed;
}

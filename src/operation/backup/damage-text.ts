import { OperatingError } from '../../base/errors.ts';
import type { BackupDamage } from '../../backup/verify-backup.ts';
import type { BackupRow } from '../../catalog/tables.ts';

/** Ranges that are named; of more only their number is told. */
const namedMax = 5;

/** Damage as an error that names the backup and which of the volume's bytes are lost in it. */
export function damageText(backup: BackupRow, { ranges, reason }: BackupDamage): OperatingError {
  const named = ranges
    .slice(0, namedMax)
    .map(({ offsetBytes, lengthBytes }) => `${offsetBytes}–${offsetBytes + lengthBytes - 1}`);
  const more = ranges.length > namedMax ? ` and ${ranges.length - namedMax} more` : '';
  const where = ranges.length === 0 ? 'as a whole' : `in bytes ${named.join(', ')}${more}`;
  return new OperatingError('corrupt', `Backup ${backup.id} is damaged ${where}: ${reason ?? ''}`);
}

import type { BackupDamage } from '../../backup/verify-backup.ts';
import { OperatingError } from '../../base/errors.ts';
import type { BackupRow } from '../../catalog/tables.ts';

/** Backups that are named, and ranges of each; of more only their number is told. */
const backupsMax = 8;
const rangesMax = 5;

/** A backup that damage reaches; no ranges: as a whole. */
export interface TouchedBackup {
  readonly backup: BackupRow;
  readonly ranges: BackupDamage['ranges'];
}

/** Damage as an error that names the backups and which of the volumes' bytes are lost in them. */
export function damageText(
  touched: readonly TouchedBackup[],
  reason: string | null,
): OperatingError {
  const [first, ...others] = touched.map(
    ({ backup, ranges }) => `${backup.id} is damaged ${placesOf(ranges)}`,
  );
  const named = others.slice(0, backupsMax - 1).map((text) => `; backup ${text}`);
  const more = others.length - named.length;
  const rest = more > 0 ? `; and ${more} other backups` : '';
  const message = `Backup ${first ?? ''}${named.join('')}${rest}: ${reason ?? 'unreadable'}.`;
  return new OperatingError('corrupt', message);
}

function placesOf(ranges: BackupDamage['ranges']): string {
  if (ranges.length === 0) return 'as a whole';
  const named = ranges
    .slice(0, rangesMax)
    .map(({ offsetBytes, lengthBytes }) => `${offsetBytes}–${offsetBytes + lengthBytes - 1}`);
  const more = ranges.length > rangesMax ? ` and ${ranges.length - rangesMax} more` : '';
  return `in bytes ${named.join(', ')}${more}`;
}

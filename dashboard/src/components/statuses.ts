/** Statuses as Horizon names them, and which of them pass by themselves. */

const names: Readonly<Record<string, string>> = {
  'in-use': 'In-use',
  error: 'Error',
  error_deleting: 'Error deleting',
  error_extending: 'Error Extending',
  error_restoring: 'Error Restoring',
  'error_backing-up': 'Error Backing Up',
  error_managing: 'Error Managing',
  'backing-up': 'Backing Up',
  'restoring-backup': 'Restoring Backup',
  'awaiting-transfer': 'Awaiting Transfer',
};

const passing: ReadonlySet<string> = new Set([
  'creating',
  'deleting',
  'attaching',
  'detaching',
  'extending',
  'backing-up',
  'restoring-backup',
  'restoring',
  'reverting',
  'retyping',
  'updating',
  'downloading',
  'uploading',
]);

export function statusName(status: string): string {
  const known = names[status];
  if (known !== undefined) return known;
  const words = status.replaceAll(/[_-]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** True while a job works on it. */
export const isPassing = (status: string): boolean => passing.has(status);

export const isError = (status: string): boolean => status.startsWith('error');

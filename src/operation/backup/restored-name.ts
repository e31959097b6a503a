/** A volume that a restore makes is called so until it has its source's name. */
export const restoredNamePrefix = 'restore_backup_';

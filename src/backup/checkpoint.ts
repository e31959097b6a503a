/**
 * The engine's name for the layer that a backup was read from. It keeps the layer's boundary, so
 * that the next backup knows what changed since; it lives until a child backup takes over or the
 * backup is deleted.
 */
export function checkpointId(backupId: string): string {
  return `checkpoint-${backupId}`;
}

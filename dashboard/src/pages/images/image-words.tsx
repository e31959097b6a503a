import { Alert } from '@mantine/core';
import type { ReactNode } from 'react';

/** Why an image has no backup of its own. */
export function ImageWords(): ReactNode {
  return (
    <Alert color="blue" title="An image needs no backup" mb="md">
      An image is meta-data about an instance’s configuration, and what an instance starts from; it
      is replaced by creating an instance from a volume. Keep the volume safe instead:{' '}
      <a href="/project/volumes">create a backup of a volume</a>, or of one of its{' '}
      <a href="/project/snapshots">snapshots</a>.
    </Alert>
  );
}

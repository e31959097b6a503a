import { Text } from '@mantine/core';
import type { ReactNode } from 'react';

export interface Emptiness {
  /** What to do next, in a sentence. */
  readonly hint: ReactNode;
  readonly action?: ReactNode;
}

/** In place of a table without rows. */
export function EmptyState(props: Emptiness & { readonly filter?: string | undefined }): ReactNode {
  const { hint, action, filter } = props;
  return (
    <div className="empty">
      <Text fw={600}>No items to display.</Text>
      {filter === undefined ? (
        <Text c="dimmed">{hint}</Text>
      ) : (
        <Text c="dimmed">No name contains “{filter}”. Change the filter to see more.</Text>
      )}
      {filter === undefined && action}
    </div>
  );
}

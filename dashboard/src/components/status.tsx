import { Badge, Progress } from '@mantine/core';
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconLoader2,
  IconPlugConnected,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { isError, isPassing, statusName } from './statuses.ts';

/** A status with its name, and a sign that is read without colour. */
export function Status({ status }: { status: string }): ReactNode {
  const [color, icon] = look(status);
  return (
    <Badge variant="light" color={color} leftSection={icon} className="status">
      {statusName(status)}
    </Badge>
  );
}

function look(status: string): [string, ReactNode] {
  if (isError(status)) return ['red', <IconAlertTriangle key="icon" size={14} aria-hidden />];
  if (isPassing(status)) return ['yellow', <IconLoader2 key="icon" size={14} aria-hidden />];
  if (status === 'in-use') return ['blue', <IconPlugConnected key="icon" size={14} aria-hidden />];
  if (status === 'available' || status === 'active') {
    return ['teal', <IconCircleCheck key="icon" size={14} aria-hidden />];
  }
  return ['gray', null];
}

/** A status in a table: while it passes, with a bar that moves. */
export function RowStatus({ status }: { status: string }): ReactNode {
  return (
    <div className="row-status">
      <Status status={status} />
      {isPassing(status) && (
        <Progress value={100} striped animated size="xs" color="yellow" aria-hidden mt={4} />
      )}
    </div>
  );
}

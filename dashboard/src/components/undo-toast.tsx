import { Button, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import { toastError, toastSuccess } from './toasts.ts';

/** Long enough to read it and to think. */
const fadesAfterMs = 12_000;

/** Says what was done, with a button that makes it as it was. */
export function toastUndo(message: string, undo: () => Promise<void>): void {
  const id = `undo-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
  const back = async (): Promise<void> => {
    notifications.hide(id);
    try {
      await undo();
      toastSuccess('It is as it was before.');
    } catch (error) {
      toastError('This could not be undone.', error);
    }
  };
  notifications.show({
    id,
    title: 'Success',
    message: <UndoMessage message={message} back={back} />,
    color: 'teal',
    autoClose: fadesAfterMs,
    closeButtonProps: { 'aria-label': 'Close' },
  });
}

function UndoMessage(props: {
  readonly message: string;
  readonly back: () => Promise<void>;
}): ReactNode {
  return (
    <Group justify="space-between" wrap="nowrap" gap="sm" component="span">
      <span className="any-break">{props.message}</span>
      <Button size="compact-sm" variant="default" onClick={() => void props.back()}>
        Undo
      </Button>
    </Group>
  );
}

import { Alert, Button, Modal } from '@mantine/core';
import { useIsMutating, useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactNode } from 'react';
import { useDialogs } from './dialogs.tsx';
import { errorText } from './toasts.ts';

interface FormDialogProps {
  readonly title: string;
  /** Fields; beside them the help. */
  readonly children: ReactNode;
  readonly help?: ReactNode;
  readonly submitLabel: string;
  readonly isDangerous?: boolean;
  readonly isDisabled?: boolean;
  /** What is said above the API's words when it refuses. */
  readonly failure: string;
  /** False: something is wrong with the fields, which show it. */
  readonly check?: () => boolean;
  readonly submit: () => Promise<void>;
}

/** A form as Horizon has them: fields left, help right, Cancel and the verb below. */
export function FormDialog(props: FormDialogProps): ReactNode {
  const { close } = useDialogs();
  const { mutate, error, isPending } = useMutation({
    mutationKey: ['dialog'],
    mutationFn: props.submit,
  });
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (isPending || props.check?.() === false) return;
    mutate();
  };
  return (
    <DialogFrame title={props.title} isWide={props.help !== undefined}>
      <form onSubmit={onSubmit} noValidate>
        {error !== null && (
          <Alert color="red" title={props.failure} role="alert" mb="md">
            {errorText(error)}
          </Alert>
        )}
        <div className={props.help === undefined ? undefined : 'dialog-columns'}>
          <div className="dialog-fields">{props.children}</div>
          {props.help !== undefined && <div className="dialog-help">{props.help}</div>}
        </div>
        <div className="dialog-buttons">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={isPending}
            disabled={props.isDisabled === true}
            {...(props.isDangerous === true ? { color: 'red' } : {})}
          >
            {props.submitLabel}
          </Button>
        </div>
      </form>
    </DialogFrame>
  );
}

/** The window of a dialog. A click beside it does not close it: what was typed would be lost. */
export function DialogFrame(props: {
  readonly title: string;
  readonly isWide?: boolean;
  readonly children: ReactNode;
}): ReactNode {
  const { close } = useDialogs();
  const isWorking = useIsMutating({ mutationKey: ['dialog'] }) > 0;
  return (
    <Modal
      opened
      onClose={isWorking ? () => undefined : close}
      title={props.title}
      size={props.isWide === true ? 'xl' : 'lg'}
      closeOnClickOutside={false}
      // The lock would need a style sheet made at run time, which the page's policy forbids.
      lockScroll={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
      transitionProps={{ duration: 0 }}
      returnFocus={false}
    >
      {props.children}
    </Modal>
  );
}

/** Holding what must not be deleted, and letting it go. */
import { Alert, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type HoldKind, holdsQuery, placeHold, releaseHold } from '../../api/holds.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { nameOf } from '../../components/quantities.ts';
import type { RowAction } from '../../components/row-actions.tsx';
import { isPassing } from '../../components/statuses.ts';
import { toastSuccess } from '../../components/toasts.ts';
import { toastUndo } from '../../components/undo-toast.tsx';

interface Holdable {
  readonly id: string;
  readonly name: string | null;
  readonly status: string;
}

/** Place Hold, or Release Hold for what has one. */
export function useHoldActions<R extends Holdable>(kind: HoldKind): readonly RowAction<R>[] {
  const dialogs = useDialogs();
  const { data: holds = [] } = useQuery(holdsQuery);
  const isHeld = ({ id }: R): boolean => holds.some((hold) => hold.id === id && hold.kind === kind);
  return [
    {
      label: 'Place Hold',
      isOffered: (row) => !isPassing(row.status) && !isHeld(row),
      run: (row) => dialogs.open(<PlaceHold kind={kind} id={row.id} name={nameOf(row)} />),
    },
    {
      label: 'Release Hold',
      isOffered: isHeld,
      run: (row) => dialogs.open(<ReleaseHold kind={kind} id={row.id} name={nameOf(row)} />),
    },
  ];
}

interface HoldDialogProps {
  readonly kind: HoldKind;
  readonly id: string;
  readonly name: string;
}

function PlaceHold({ kind, id, name }: HoldDialogProps): ReactNode {
  const { close } = useDialogs();
  const form = useForm({ reason: '' }, ({ reason }) => ({
    reason: nameProblem(reason, { required: false }),
  }));
  return (
    <FormDialog
      title="Place Hold"
      submitLabel="Place Hold"
      failure="Unable to place the hold."
      check={form.check}
      submit={async () => {
        await placeHold(kind, id, form.values.reason);
        close();
        toastSuccess(`"${name}" is held.`);
      }}
    >
      <Text>
        Nobody deletes “{name}” until the hold is released: no plan and no person.
        {kind === 'volume' && ' Its snapshots and backups are held with it.'}
      </Text>
      <TextInput label="Reason" data-autofocus {...form.text('reason')} />
    </FormDialog>
  );
}

export function ReleaseHold({ kind, id, name }: HoldDialogProps): ReactNode {
  const { close } = useDialogs();
  const { data: holds = [] } = useQuery(holdsQuery);
  const reason = holds.find((hold) => hold.id === id && hold.kind === kind)?.reason ?? '';
  return (
    <FormDialog
      title="Confirm Release Hold"
      submitLabel="Release Hold"
      failure="Unable to release the hold."
      submit={async () => {
        await releaseHold(kind, id);
        close();
        toastUndo(`"${name}" is not held any more.`, () => placeHold(kind, id, reason));
      }}
    >
      <Text>
        “{name}” can be deleted again, by people at once and by its plan when its rules say so.
      </Text>
    </FormDialog>
  );
}

/** On the page of what is held: that it is, and why. */
export function HeldNote({ kind, id }: { kind: HoldKind; id: string }): ReactNode {
  const { data: holds = [] } = useQuery(holdsQuery);
  const hold = holds.find((each) => each.id === id && each.kind === kind);
  if (hold === undefined) return null;
  return (
    <Alert color="blue" mb="md" title="On hold">
      Nobody deletes it until the hold is released
      {hold.reason === null ? '.' : `: ${hold.reason}`}
    </Alert>
  );
}

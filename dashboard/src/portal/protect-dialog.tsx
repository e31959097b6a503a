import { Alert, Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useDialogs } from '../components/dialogs.tsx';
import { DialogFrame } from '../components/form-dialog.tsx';
import { errorText, toastSuccess } from '../components/toasts.ts';
import { type Choice, choices, protect, stopProtecting } from './protection.ts';

interface ProtectProps {
  readonly volumeId: string;
  readonly name: string;
  /** Some plan makes backups of it already. */
  readonly isUnder: boolean;
}

/** How often; the click on a choice is the whole of it. */
export function ProtectDialog({ volumeId, name, isUnder }: ProtectProps): ReactNode {
  const { close } = useDialogs();
  const queries = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationKey: ['dialog'],
    mutationFn: (choice: Choice | undefined) =>
      choice === undefined ? stopProtecting(volumeId) : protect(volumeId, choice),
    onSuccess: (_none, choice) => {
      void queries.invalidateQueries({ queryKey: ['protections'] });
      close();
      toastSuccess(
        choice === undefined
          ? `${name} is no longer backed up by itself. Its backups stay.`
          : `${name} is protected. The first backup is being made now.`,
      );
    },
  });
  return (
    <DialogFrame title={`Protect ${name}`}>
      {error !== null && (
        <Alert color="red" role="alert" mb="md" title="It could not be protected.">
          {errorText(error)}
        </Alert>
      )}
      <p>How often shall it be backed up? The first backup is made at once.</p>
      <div className="portal-choices">
        {choices.map((choice) => (
          <button
            key={choice.name}
            type="button"
            className="portal-choice"
            disabled={isPending}
            onClick={() => mutate(choice)}
          >
            <strong>{choice.title}</strong>
            {choice.line}
          </button>
        ))}
      </div>
      <p>Once a week the newest backup is read back, to prove that it works.</p>
      {isUnder && (
        <Button variant="subtle" color="red" loading={isPending} onClick={() => mutate(undefined)}>
          Stop protecting it
        </Button>
      )}
    </DialogFrame>
  );
}

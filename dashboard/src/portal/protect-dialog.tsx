import { Alert, Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useDialogs } from '../components/dialogs.tsx';
import { DialogFrame } from '../components/form-dialog.tsx';
import { errorText, toastSuccess } from '../components/toasts.ts';
import { PlanPreview } from '../pages/plans/plan-preview.tsx';
import { type Choice, choices, planOf, protect, stopProtecting } from './protection.ts';

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
          <div key={choice.name}>
            <button
              type="button"
              className="portal-choice"
              disabled={isPending}
              onClick={() => mutate(choice)}
            >
              <strong>{choice.title}</strong>
              {choice.line}
            </button>
            <ChoicePreview choice={choice} volumeId={volumeId} />
          </div>
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

/** What a choice would keep, for who wants to see it first. */
function ChoicePreview(props: { readonly choice: Choice; readonly volumeId: string }): ReactNode {
  const { choice, volumeId } = props;
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="portal-preview" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>What would be kept</summary>
      {isOpen && <PlanPreview plan={planOf(choice, [volumeId])} planId={undefined} />}
    </details>
  );
}

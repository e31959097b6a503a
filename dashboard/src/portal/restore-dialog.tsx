import { Checkbox, Radio, Select, Stack, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import {
  type BackupFigures,
  allBackupFiguresQuery,
  restoreBackup,
  restoreInstantly,
} from '../api/backups.ts';
import { useDialogs } from '../components/dialogs.tsx';
import { FormDialog } from '../components/form-dialog.tsx';
import { instantOf } from '../components/quantities.ts';
import { toastSuccess } from '../components/toasts.ts';

interface RestoreProps {
  readonly volumeId: string;
  readonly name: string;
  readonly status: string;
}

function dayText(backup: BackupFigures): string {
  const when = instantOf(backup.data_timestamp).toLocaleString(undefined, {
    dateStyle: 'full',
    timeStyle: 'short',
  });
  const outcome = backup.verification?.outcome;
  if (outcome === 'damaged') return `${when} (damaged)`;
  return outcome === undefined ? when : `${when} ✓ proven`;
}

export function RestoreDialog({ volumeId, name, status }: RestoreProps): ReactNode {
  const { close } = useDialogs();
  const queries = useQueryClient();
  const where = { volume_id: volumeId, status: 'available' };
  const { data: backups = [] } = useQuery(allBackupFiguresQuery(where));
  const [chosen, setChosen] = useState<string | null>(null);
  const [isOver, setIsOver] = useState(false);
  const [isSure, setIsSure] = useState(false);
  const [newName, setNewName] = useState(`${name} restored`);
  const backupId = chosen ?? backups[0]?.id;
  const canBeOver = status === 'available';
  const submit = async (): Promise<void> => {
    if (backupId === undefined) return;
    if (isOver) await restoreBackup(backupId, volumeId);
    else await restoreInstantly(backupId, newName);
    void queries.invalidateQueries({ queryKey: ['protections'] });
    close();
    toastSuccess(isOver ? `${name} is being restored.` : `${newName} can be used at once.`);
  };
  return (
    <FormDialog
      title={`Restore ${name}`}
      submitLabel={isOver ? 'Overwrite and restore' : 'Restore'}
      isDangerous={isOver}
      isDisabled={backupId === undefined || (isOver && !isSure)}
      failure="The restore could not be begun."
      submit={submit}
    >
      <Stack>
        <Select
          label="As it was on"
          data={backups.map((backup) => ({ value: backup.id, label: dayText(backup) }))}
          value={backupId ?? null}
          onChange={setChosen}
          allowDeselect={false}
          comboboxProps={{ transitionProps: { duration: 0 } }}
        />
        <WhereTo {...{ name, canBeOver, isOver, setIsOver }} />
        {isOver ? (
          <Checkbox
            checked={isSure}
            onChange={(event) => setIsSure(event.currentTarget.checked)}
            label={`Yes, what ${name} holds now may be lost`}
          />
        ) : (
          <TextInput
            label="Name of the new volume"
            value={newName}
            onChange={(event) => setNewName(event.currentTarget.value)}
          />
        )}
      </Stack>
    </FormDialog>
  );
}

interface WhereProps {
  readonly name: string;
  readonly canBeOver: boolean;
  readonly isOver: boolean;
  readonly setIsOver: (isOver: boolean) => void;
}

function WhereTo({ name, canBeOver, isOver, setIsOver }: WhereProps): ReactNode {
  return (
    <Radio.Group
      label="Where to"
      value={isOver ? 'over' : 'new'}
      onChange={(value) => setIsOver(value === 'over')}
    >
      <Stack gap="xs" mt="xs">
        <Radio
          value="new"
          label="To a new volume"
          description="Nothing is overwritten. The new volume can be used at once."
        />
        <Radio
          value="over"
          disabled={!canBeOver}
          label={`Over ${name} itself`}
          description={
            canBeOver
              ? 'Everything that it holds now is lost and replaced.'
              : 'Not possible while a machine is using it: detach it first.'
          }
        />
      </Stack>
    </Radio.Group>
  );
}

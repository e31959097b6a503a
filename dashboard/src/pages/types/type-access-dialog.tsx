import { Checkbox } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { projectsQuery } from '../../api/directory.ts';
import { changeTypeAccess, typeAccessQuery, type VolumeType } from '../../api/installation.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { FormDialog } from '../../components/form-dialog.tsx';
import { toastSuccess } from '../../components/toasts.ts';

/** Which projects may use a type that is not for everybody. */
export function TypeAccessDialog({ type }: { type: VolumeType }): ReactNode {
  const { data: allowed } = useQuery(typeAccessQuery(type.id));
  return allowed === undefined ? null : <AccessForm type={type} allowed={allowed} />;
}

interface AccessFormProps {
  readonly type: VolumeType;
  readonly allowed: readonly string[];
}

function AccessForm({ type, allowed }: AccessFormProps): ReactNode {
  const { close } = useDialogs();
  const queries = useQueryClient();
  const { data: projects = [] } = useQuery(projectsQuery);
  const [chosen, setChosen] = useState(allowed);
  const submit = async (): Promise<void> => {
    const added = chosen.filter((id) => !allowed.includes(id));
    const removed = allowed.filter((id) => !chosen.includes(id));
    for (const id of added) await changeTypeAccess(type.id, id, 'addProjectAccess');
    for (const id of removed) await changeTypeAccess(type.id, id, 'removeProjectAccess');
    // The stream of changes does not tell who may use a type.
    for (const name of ['volume_type_access', 'volume_types']) {
      await queries.invalidateQueries({ queryKey: [name] });
    }
    close();
    toastSuccess(`Access to volume type "${type.name}" changed.`);
  };
  return (
    <FormDialog
      title={`Access to ${type.name}`}
      submitLabel="Save"
      failure="Unable to change the access."
      submit={submit}
      help={<p>Only these projects see the type, and make volumes of it.</p>}
    >
      <Checkbox.Group label="Projects" value={[...chosen]} onChange={setChosen}>
        {projects.map(({ id, name }) => (
          <Checkbox key={id} value={id} label={name} mt="xs" />
        ))}
      </Checkbox.Group>
    </FormDialog>
  );
}

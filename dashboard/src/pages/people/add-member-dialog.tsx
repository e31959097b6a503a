import { NativeSelect } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { grantRole, type Project, type Role, rolesQuery, usersQuery } from '../../api/directory.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { toastSuccess } from '../../components/toasts.ts';
import { Members } from './members.tsx';

function choicesOf(rows: readonly Role[]): { value: string; label: string }[] {
  const choices = rows.map(({ id, name }) => ({ value: id, label: name }));
  return [{ value: '', label: '' }, ...choices];
}

export function AddMemberDialog({ project }: { project: Project }): ReactNode {
  const { close } = useDialogs();
  const queries = useQueryClient();
  const { data: users = [] } = useQuery(usersQuery);
  const { data: roles = [] } = useQuery(rolesQuery);
  const form = useForm({ userId: '', roleId: '' }, ({ userId, roleId }) => ({
    userId: userId === '' ? 'Choose a user.' : undefined,
    roleId: roleId === '' ? 'Choose a role.' : undefined,
  }));
  return (
    <FormDialog
      title={`Members of ${project.name}`}
      submitLabel="Add Member"
      failure="Unable to add the member."
      check={form.check}
      submit={async () => {
        await grantRole(project.id, form.values.userId, form.values.roleId);
        await queries.invalidateQueries({ queryKey: ['role_assignments'] });
        close();
        toastSuccess(`Role given in "${project.name}".`);
      }}
      help={
        <>
          <p>
            A <b>reader</b> sees all of the project, a <b>member</b> makes and deletes, and an{' '}
            <b>admin</b> may do everything in every project.
          </p>
          <Members projectId={project.id} />
        </>
      }
    >
      <NativeSelect label="User" required data={choicesOf(users)} {...form.choice('userId')} />
      <NativeSelect label="Role" required data={choicesOf(roles)} {...form.choice('roleId')} />
    </FormDialog>
  );
}

import { Button, NativeSelect, PasswordInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  createUser,
  deleteUser,
  grantRole,
  projectsQuery,
  rolesQuery,
  updateUser,
  type User,
  usersQuery,
} from '../../api/directory.ts';
import { pageOf } from '../../api/page.ts';
import { ConfirmDelete } from '../../components/confirm-delete.tsx';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { useListState } from '../../components/list-state.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { paged } from '../../components/paged.ts';
import { yesNo } from '../../components/quantities.ts';
import { type Column, ResourceTable } from '../../components/resource-table.tsx';
import type { RowAction } from '../../components/row-actions.tsx';
import { toastError, toastSuccess } from '../../components/toasts.ts';
import { toastUndo } from '../../components/undo-toast.tsx';

const columns: readonly Column<User>[] = [
  { label: 'User Name', sortKey: 'name', render: ({ name }) => name },
  { label: 'User ID', render: ({ id }) => <span className="any-break">{id}</span> },
  { label: 'Enabled', render: ({ enabled }) => yesNo(enabled) },
  { label: 'Domain', render: (user) => user.domain_id },
];

async function setEnabled({ id, name }: User, enabled: boolean): Promise<void> {
  try {
    await updateUser(id, { enabled });
    const words = enabled ? 'enabled' : 'disabled';
    toastUndo(`User "${name}" ${words}.`, () => updateUser(id, { enabled: !enabled }));
  } catch (error) {
    toastError(`Unable to change user "${name}".`, error);
  }
}

function useUserActions(): readonly RowAction<User>[] {
  const dialogs = useDialogs();
  return [
    {
      label: 'Change Password',
      run: (user) => dialogs.open(<PasswordDialog user={user} />),
    },
    {
      label: 'Disable User',
      isOffered: ({ enabled }) => enabled,
      run: (user) => void setEnabled(user, false),
    },
    {
      label: 'Enable User',
      isOffered: ({ enabled }) => !enabled,
      run: (user) => void setEnabled(user, true),
    },
    {
      label: 'Delete User',
      isDangerous: true,
      run: ({ id, name }) =>
        dialogs.open(
          <ConfirmDelete
            label="Delete User"
            rows={[{ id, name }]}
            help="What the user has made stays with its project."
            remove={deleteUser}
            onDone={(names) => toastSuccess(`Deleted User: ${names.join(', ')}`)}
          />,
        ),
    },
  ];
}

export function Page(): ReactNode {
  const dialogs = useDialogs();
  const state = useListState();
  const query = useQuery(usersQuery);
  const actions = useUserActions();
  return (
    <>
      <PageHeading title="Users" path={[{ label: 'Identity' }]} />
      <ResourceTable
        caption="Users"
        query={paged(query, (rows) => pageOf(rows, state.list, (row) => row.name))}
        state={state}
        columns={columns}
        nameOf={({ name }) => name}
        actions={actions}
        tools={<Button onClick={() => dialogs.open(<CreateUserDialog />)}>Create User</Button>}
        empty={{ hint: 'Create a user, and give a role in a project.' }}
      />
    </>
  );
}

function passwordProblems(password: string, again: string): Record<string, string | undefined> {
  return {
    password: nameProblem(password, { required: true }),
    again: again === password ? undefined : 'Passwords do not match.',
  };
}

function CreateUserDialog(): ReactNode {
  const { close } = useDialogs();
  const { data: projects = [] } = useQuery(projectsQuery);
  const { data: roles = [] } = useQuery(rolesQuery);
  const given = { name: '', password: '', again: '', projectId: '', role: 'member' };
  const form = useForm(given, ({ name, password, again }) => ({
    name: nameProblem(name, { required: true }),
    ...passwordProblems(password, again),
  }));
  const submit = async (): Promise<void> => {
    const { name, password, projectId, role } = form.values;
    const home = projectId === '' ? {} : { default_project_id: projectId };
    const user = await createUser({ name, password, ...home });
    const roleId = roles.find((each) => each.name === role)?.id;
    if (projectId !== '' && roleId !== undefined) await grantRole(projectId, user.id, roleId);
    close();
    toastSuccess(`User "${name}" was created successfully.`);
  };
  return (
    <FormDialog
      title="Create User"
      submitLabel="Create User"
      failure="Unable to create user."
      check={form.check}
      submit={submit}
      help={<p>The user logs in with the name and the password, and works on the project.</p>}
    >
      <TextInput
        label="User Name"
        required
        data-autofocus
        autoComplete="off"
        {...form.text('name')}
      />
      <PasswordInput
        label="Password"
        required
        autoComplete="new-password"
        {...form.text('password')}
      />
      <PasswordInput
        label="Confirm Password"
        required
        autoComplete="new-password"
        {...form.text('again')}
      />
      <NativeSelect
        label="Primary Project"
        data={[
          { value: '', label: 'None yet' },
          ...projects.map(({ id, name }) => ({ value: id, label: name })),
        ]}
        {...form.choice('projectId')}
      />
      <NativeSelect label="Role" data={roles.map(({ name }) => name)} {...form.choice('role')} />
    </FormDialog>
  );
}

function PasswordDialog({ user }: { user: User }): ReactNode {
  const { close } = useDialogs();
  const form = useForm({ password: '', again: '' }, ({ password, again }) =>
    passwordProblems(password, again),
  );
  return (
    <FormDialog
      title={`Change Password of ${user.name}`}
      submitLabel="Save"
      failure="Unable to change the password."
      check={form.check}
      submit={async () => {
        await updateUser(user.id, { password: form.values.password });
        close();
        toastSuccess(`Password of "${user.name}" changed.`);
      }}
    >
      <PasswordInput
        label="Password"
        required
        data-autofocus
        autoComplete="new-password"
        {...form.text('password')}
      />
      <PasswordInput
        label="Confirm Password"
        required
        autoComplete="new-password"
        {...form.text('again')}
      />
    </FormDialog>
  );
}

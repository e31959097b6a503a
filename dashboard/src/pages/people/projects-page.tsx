import { Button, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  createProject,
  deleteProject,
  type Project,
  projectsQuery,
  updateProject,
} from '../../api/directory.ts';
import { pageOf } from '../../api/page.ts';
import { ConfirmDelete } from '../../components/confirm-delete.tsx';
import { useDialogs } from '../../components/dialogs.tsx';
import { CutText } from '../../components/facts.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { useListState } from '../../components/list-state.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { paged } from '../../components/paged.ts';
import { yesNo } from '../../components/quantities.ts';
import { type Column, ResourceTable } from '../../components/resource-table.tsx';
import type { RowAction } from '../../components/row-actions.tsx';
import { toastSuccess } from '../../components/toasts.ts';
import { AddMemberDialog } from './add-member-dialog.tsx';
import { EditQuotaDialog } from '../quotas/edit-quota-dialog.tsx';

const columns: readonly Column<Project>[] = [
  { label: 'Name', sortKey: 'name', render: ({ name }) => name },
  { label: 'Description', render: ({ description }) => <CutText text={description} /> },
  { label: 'Project ID', render: ({ id }) => <span className="any-break">{id}</span> },
  { label: 'Enabled', render: ({ enabled }) => yesNo(enabled) },
];

function useProjectActions(): readonly RowAction<Project>[] {
  const dialogs = useDialogs();
  return [
    {
      label: 'Manage Members',
      run: (project) => dialogs.open(<AddMemberDialog project={project} />),
    },
    {
      label: 'Edit Project',
      run: (project) => dialogs.open(<ProjectDialog project={project} />),
    },
    {
      label: 'Modify Quotas',
      run: ({ id, name }) => dialogs.open(<EditQuotaDialog projectId={id} name={name} />),
    },
    {
      label: 'Delete Project',
      isDangerous: true,
      run: ({ id, name }) =>
        dialogs.open(
          <ConfirmDelete
            label="Delete Project"
            rows={[{ id, name }]}
            help="Its volumes, snapshots and backups stay, and nobody owns them any more."
            remove={deleteProject}
            onDone={(names) => toastSuccess(`Deleted Project: ${names.join(', ')}`)}
          />,
        ),
    },
  ];
}

export function Page(): ReactNode {
  const dialogs = useDialogs();
  const state = useListState();
  const query = useQuery(projectsQuery);
  const actions = useProjectActions();
  return (
    <>
      <PageHeading title="Projects" path={[{ label: 'Identity' }]} />
      <ResourceTable
        caption="Projects"
        query={paged(query, (rows) => pageOf(rows, state.list, (row) => row.name))}
        state={state}
        columns={columns}
        nameOf={({ name }) => name}
        actions={actions}
        tools={<Button onClick={() => dialogs.open(<ProjectDialog />)}>Create Project</Button>}
        empty={{ hint: 'Create a project, then give users a role in it.' }}
      />
    </>
  );
}

function ProjectDialog({ project }: { project?: Project }): ReactNode {
  const { close } = useDialogs();
  const given = { name: project?.name ?? '', description: project?.description ?? '' };
  const form = useForm(given, ({ name }) => ({ name: nameProblem(name, { required: true }) }));
  const verb = project === undefined ? 'Create' : 'Edit';
  return (
    <FormDialog
      title={`${verb} Project`}
      submitLabel={project === undefined ? 'Create Project' : 'Save'}
      failure={`Unable to ${verb.toLowerCase()} project.`}
      check={form.check}
      submit={async () => {
        if (project === undefined) await createProject(form.values);
        else await updateProject(project.id, form.values);
        close();
        toastSuccess(`Project "${form.values.name}" saved.`);
      }}
    >
      <TextInput label="Name" required data-autofocus {...form.text('name')} />
      <Textarea label="Description" rows={4} {...form.text('description')} />
    </FormDialog>
  );
}

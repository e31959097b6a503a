import { Button, Checkbox, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  createVolumeType,
  deleteVolumeType,
  updateVolumeType,
  type VolumeType,
  everyTypeQuery,
} from '../../api/installation.ts';
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
import { ExtraSpecsDialog } from './extra-specs-dialog.tsx';
import { TypeAccessDialog } from './type-access-dialog.tsx';

function specsText(specs: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(specs ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '-' : pairs.join(', ');
}

const columns: readonly Column<VolumeType>[] = [
  { label: 'Name', sortKey: 'name', render: ({ name }) => name },
  { label: 'Description', render: ({ description }) => <CutText text={description} /> },
  {
    label: 'Extra Specs',
    render: (type) => <span className="any-break">{specsText(type.extra_specs)}</span>,
  },
  { label: 'Public', render: (type) => yesNo(type.is_public) },
];

function useTypeActions(): readonly RowAction<VolumeType>[] {
  const dialogs = useDialogs();
  return [
    { label: 'Edit Volume Type', run: (type) => dialogs.open(<TypeDialog type={type} />) },
    {
      label: 'View Extra Specs',
      run: (type) => dialogs.open(<ExtraSpecsDialog type={type} />),
    },
    {
      label: 'Edit Access',
      isOffered: (type) => !type.is_public,
      run: (type) => dialogs.open(<TypeAccessDialog type={type} />),
    },
    {
      label: 'Delete Volume Type',
      isDangerous: true,
      run: ({ id, name }) =>
        dialogs.open(
          <ConfirmDelete
            label="Delete Volume Type"
            rows={[{ id, name }]}
            help="A type that volumes have is not deleted."
            remove={deleteVolumeType}
            onDone={(names) => toastSuccess(`Deleted Volume Type: ${names.join(', ')}`)}
          />,
        ),
    },
  ];
}

export function Page(): ReactNode {
  const dialogs = useDialogs();
  const state = useListState();
  const query = useQuery(everyTypeQuery);
  const actions = useTypeActions();
  return (
    <>
      <PageHeading title="Volume Types" path={[{ label: 'Admin' }]} />
      <ResourceTable
        caption="Volume Types"
        query={paged(query, (rows) => pageOf(rows, state.list, (type) => type.name))}
        state={state}
        columns={columns}
        nameOf={({ name }) => name}
        actions={actions}
        tools={<Button onClick={() => dialogs.open(<TypeDialog />)}>Create Volume Type</Button>}
        empty={{ hint: 'Create a type for volumes with qualities of their own.' }}
      />
    </>
  );
}

function TypeDialog({ type }: { type?: VolumeType }): ReactNode {
  const { close } = useDialogs();
  const form = useForm(
    {
      name: type?.name ?? '',
      description: type?.description ?? '',
      isPublic: type?.is_public ?? true,
    },
    ({ name, description }) => ({
      name: nameProblem(name, { required: true }),
      description: nameProblem(description, { required: false }),
    }),
  );
  const submit = async (): Promise<void> => {
    const { name, description, isPublic } = form.values;
    if (type === undefined) {
      const access = { 'os-volume-type-access:is_public': isPublic };
      await createVolumeType({ name, description, ...access });
    } else await updateVolumeType(type.id, { name, description, is_public: isPublic });
    close();
    toastSuccess(`Successfully saved volume type: ${name}`);
  };
  const title = type === undefined ? 'Create Volume Type' : 'Edit Volume Type';
  return (
    <FormDialog
      title={title}
      submitLabel={title}
      failure="Unable to save volume type."
      check={form.check}
      submit={submit}
      help={<p>A type says what volumes of it are like. Only a public one is for everybody.</p>}
    >
      <TextInput label="Name" required data-autofocus {...form.text('name')} />
      <Textarea label="Description" rows={4} {...form.text('description')} />
      <Checkbox label="Public" {...form.box('isPublic')} />
    </FormDialog>
  );
}

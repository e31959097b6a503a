import { Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { createGroup, groupTypesQuery } from '../../api/groups.ts';
import { volumeTypesQuery } from '../../api/installation.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { toastInfo } from '../../components/toasts.ts';

export function CreateGroupDialog(): ReactNode {
  const { close } = useDialogs();
  const { data: groupTypes = [] } = useQuery(groupTypesQuery);
  const { data: volumeTypes = [] } = useQuery(volumeTypesQuery);
  const [typeIds, setTypeIds] = useState<readonly string[]>([]);
  const [isChecked, setChecked] = useState(false);
  const form = useForm({ name: '', description: '', groupType: '' }, (values) => ({
    name: nameProblem(values.name, { required: true }),
    description: nameProblem(values.description, { required: false }),
    groupType: values.groupType === '' ? 'This field is required.' : undefined,
  }));
  const submit = async (): Promise<void> => {
    const { name, description, groupType } = form.values;
    await createGroup({ name, description, group_type: groupType, volume_types: typeIds });
    close();
    toastInfo(`Creating group "${name}".`);
  };
  return (
    <FormDialog
      title="Create Group"
      submitLabel="Create Group"
      failure="Unable to create group."
      check={() => {
        setChecked(true);
        return form.check() && typeIds.length > 0;
      }}
      submit={submit}
      help={
        <p>Volumes are grouped together so that one snapshot holds all of them at one instant.</p>
      }
    >
      <TextInput label="Name" required data-autofocus {...form.text('name')} />
      <Textarea label="Description" rows={4} {...form.text('description')} />
      <NativeSelect
        label="Group Type"
        required
        data={[
          { value: '', label: 'Select a group type' },
          ...groupTypes.map(({ id, name }) => ({ value: id, label: name })),
        ]}
        {...form.choice('groupType')}
      />
      <Checkbox.Group
        label="Volume Types"
        description="Which types the volumes of the group may have"
        required
        value={[...typeIds]}
        onChange={setTypeIds}
        {...(isChecked && typeIds.length === 0 ? { error: 'Choose at least one.' } : {})}
      >
        {volumeTypes.map(({ id, name }) => (
          <Checkbox key={id} value={id} label={name} mt="xs" />
        ))}
      </Checkbox.Group>
    </FormDialog>
  );
}

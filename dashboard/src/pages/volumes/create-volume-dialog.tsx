import { NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { groupChoicesQuery } from '../../api/groups.ts';
import { limitsQuery, zonesQuery } from '../../api/installation.ts';
import { createVolume } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { type Form, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { toastInfo } from '../../components/toasts.ts';
import { CreateVolumeHelp } from './create-volume-help.tsx';
import { SourceFields } from './source-fields.tsx';
import { type FixedSource, useSources } from './volume-sources.ts';
import { newVolumeOf, valuesFrom, type VolumeValues, volumeProblems } from './volume-values.ts';

/** Without `source` a form to choose one, or none. */
export function CreateVolumeDialog({ source }: { source?: FixedSource }): ReactNode {
  const { close } = useDialogs();
  const goTo = useNavigateTo();
  const sources = useSources(source);
  const { data: limits } = useQuery(limitsQuery);
  const form = useForm(valuesFrom(source), (values) => volumeProblems(values, sources, limits));
  const { values } = form;
  const submit = async (): Promise<void> => {
    const made = await createVolume(newVolumeOf(values));
    close();
    toastInfo(`Creating volume "${values.name === '' ? made.id : values.name}"`);
    if (source !== undefined) goTo('/project/volumes');
  };
  const leastSize =
    source === undefined
      ? undefined
      : `Volume size must be equal to or greater than the ${source.kind} size (${source.size}GiB)`;
  return (
    <FormDialog
      title="Create Volume"
      submitLabel="Create Volume"
      failure="Unable to create volume."
      check={form.check}
      submit={submit}
      help={<CreateVolumeHelp type={values.type} size={Number(values.size)} />}
    >
      <TextInput label="Volume Name" data-autofocus {...form.text('name')} />
      <Textarea label="Description" rows={4} {...form.text('description')} />
      <SourceFields form={form} sources={sources} fixed={source} />
      <TextInput
        label="Size (GiB)"
        type="number"
        min={1}
        required
        description={leastSize}
        {...form.text('size')}
      />
      <PlaceFields form={form} />
    </FormDialog>
  );
}

/** Where the volume lies, and with which others it belongs. */
function PlaceFields({ form }: { form: Form<VolumeValues> }): ReactNode {
  const { data: zones = [] } = useQuery(zonesQuery);
  const { data: groups = [] } = useQuery(groupChoicesQuery);
  const noZones = [{ value: '', label: 'No availability zones found' }];
  const anyZone = [{ value: '', label: 'Any Availability Zone' }, ...zones];
  return (
    <>
      <NativeSelect
        label="Availability Zone"
        data={zones.length === 0 ? noZones : zones.length === 1 ? [...zones] : anyZone}
        {...form.choice('zone')}
      />
      <NativeSelect
        label="Group"
        description="Volumes of one group are snapshotted together, at one instant."
        data={[
          { value: '', label: 'No group' },
          ...groups.map(({ id, name }) => ({ value: id, label: name ?? id })),
        ]}
        {...form.choice('group')}
      />
    </>
  );
}

/** Switching parts of the installation off and on. */
import { Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type ServiceState, serviceStatesQuery, switchService } from '../../api/installation.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import type { RowAction } from '../../components/row-actions.tsx';
import { toastError, toastSuccess } from '../../components/toasts.ts';

/** The stream of changes does not tell of services. */
function useSwitch(): (service: ServiceState, reason: string | undefined) => Promise<void> {
  const queries = useQueryClient();
  return async (service, reason) => {
    await switchService(service, reason);
    await queries.invalidateQueries(serviceStatesQuery);
    toastSuccess(`${service.binary} is ${reason === undefined ? 'enabled' : 'disabled'}.`);
  };
}

export function useServiceActions(): readonly RowAction<ServiceState>[] {
  const dialogs = useDialogs();
  const change = useSwitch();
  const enable = async (service: ServiceState): Promise<void> => {
    try {
      await change(service, undefined);
    } catch (error) {
      toastError(`Unable to enable ${service.binary}.`, error);
    }
  };
  return [
    {
      label: 'Disable Service',
      isOffered: ({ status }) => status === 'enabled',
      run: (service) => dialogs.open(<DisableDialog service={service} />),
    },
    {
      label: 'Enable Service',
      isOffered: ({ status }) => status !== 'enabled',
      run: (service) => void enable(service),
    },
  ];
}

function DisableDialog({ service }: { service: ServiceState }): ReactNode {
  const { close } = useDialogs();
  const change = useSwitch();
  const form = useForm({ reason: '' }, ({ reason }) => ({
    reason: nameProblem(reason, { required: true }),
  }));
  return (
    <FormDialog
      title="Disable Service"
      submitLabel="Disable Service"
      failure="Unable to disable service."
      check={form.check}
      submit={async () => {
        await change(service, form.values.reason);
        close();
      }}
    >
      <Text>
        {service.binary} on {service.host} takes no new work until it is enabled again; what runs
        goes on.
      </Text>
      <TextInput label="Reason" required data-autofocus {...form.text('reason')} />
    </FormDialog>
  );
}

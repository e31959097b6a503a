import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Quota, quotaQuery, updateQuota } from '../../api/directory.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { toastSuccess } from '../../components/toasts.ts';

const labels: Readonly<Record<string, string>> = {
  volumes: 'Volumes',
  snapshots: 'Volume Snapshots',
  gigabytes: 'Total Size of Volumes and Snapshots (GiB)',
  backups: 'Backups',
  backup_gigabytes: 'Total Size of Backups (GiB)',
  groups: 'Groups',
};

export function EditQuotaDialog(props: {
  readonly projectId: string;
  readonly name: string;
}): ReactNode {
  const { data: quota } = useQuery(quotaQuery(props.projectId));
  if (quota === undefined) return null;
  return <QuotaForm {...props} quota={quota} />;
}

interface QuotaFormProps {
  readonly projectId: string;
  readonly name: string;
  readonly quota: Quota;
}

function QuotaForm({ projectId, name, quota }: QuotaFormProps): ReactNode {
  const { close } = useDialogs();
  const given: Record<string, string> = Object.fromEntries(
    Object.entries(quota).map(([key, value]) => [key, String(value)]),
  );
  const form = useForm(given, (values) =>
    Object.fromEntries(
      Object.entries(values).map(([key, value]) => [
        key,
        /^(?:-1|\d{1,9})$/.test(value) ? undefined : 'A whole number, or -1 for no limit.',
      ]),
    ),
  );
  return (
    <FormDialog
      title={`Quotas of ${name}`}
      submitLabel="Save"
      failure="Unable to change the quotas."
      check={form.check}
      submit={async () => {
        const wanted = Object.entries(form.values).map(([key, value]) => [key, Number(value)]);
        await updateQuota(projectId, Object.fromEntries(wanted) as Quota);
        close();
        toastSuccess(`Quotas of "${name}" changed.`);
      }}
      help={<p>What the project may have at most. −1 means without limit.</p>}
    >
      {Object.keys(quota).map((key) => (
        <TextInput key={key} label={labels[key] ?? key} required {...form.text(key)} />
      ))}
    </FormDialog>
  );
}

/** What can be done with a plan. */
import { Radio, Stack, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { deletePlan, type Plan, runPlan, updatePlan } from '../../api/plans.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { FormDialog } from '../../components/form-dialog.tsx';
import type { RowAction } from '../../components/row-actions.tsx';
import { toastError, toastInfo } from '../../components/toasts.ts';
import { toastUndo } from '../../components/undo-toast.tsx';
import { PlanDialog } from './plan-dialog.tsx';

async function setEnabled({ id, name }: Plan, enabled: boolean): Promise<void> {
  try {
    await updatePlan(id, { enabled });
    const words = enabled ? 'is on' : 'is off: it runs no more until enabled';
    toastUndo(`Plan "${name}" ${words}.`, () => updatePlan(id, { enabled: !enabled }));
  } catch (error) {
    toastError(`Unable to change plan "${name}".`, error);
  }
}

async function runNow({ id, name }: Plan): Promise<void> {
  try {
    const count = await runPlan(id);
    toastInfo(
      count === 0
        ? `Plan "${name}" has no volume that is not running already.`
        : `Plan "${name}" runs now for ${count} volume${count === 1 ? '' : 's'}.`,
    );
  } catch (error) {
    toastError(`Unable to run plan "${name}".`, error);
  }
}

export function usePlanActions(
  options: { afterDelete?: () => void } = {},
): readonly RowAction<Plan>[] {
  const dialogs = useDialogs();
  return [
    { label: 'Edit Plan', run: (plan) => dialogs.open(<PlanDialog plan={plan} />) },
    {
      label: 'Run Now',
      isOffered: ({ enabled }) => enabled,
      run: (plan) => void runNow(plan),
    },
    {
      label: 'Disable Plan',
      isOffered: ({ enabled }) => enabled,
      run: (plan) => void setEnabled(plan, false),
    },
    {
      label: 'Enable Plan',
      isOffered: ({ enabled }) => !enabled,
      run: (plan) => void setEnabled(plan, true),
    },
    {
      label: 'Delete Plan',
      isDangerous: true,
      run: (plan) => dialogs.open(<DeletePlanDialog plan={plan} {...options} />),
    },
  ];
}

interface DeletePlanProps {
  readonly plan: Plan;
  readonly afterDelete?: () => void;
}

/** Asks what becomes of what the plan made. */
function DeletePlanDialog({ plan, afterDelete }: DeletePlanProps): ReactNode {
  const { close } = useDialogs();
  const [made, setMade] = useState<'keep' | 'delete'>('keep');
  return (
    <FormDialog
      title="Confirm Delete Plan"
      submitLabel="Delete Plan"
      isDangerous
      failure="Unable to delete the plan."
      submit={async () => {
        await deletePlan(plan.id, made);
        close();
        toastInfo(`Deleted Plan: ${plan.name}`);
        afterDelete?.();
      }}
    >
      <Text className="any-break">
        You have selected: <b>“{plan.name}”</b>. Its volumes are no longer protected by it.
      </Text>
      <Radio.Group
        label="What becomes of what it made?"
        value={made}
        onChange={(value) => setMade(value === 'delete' ? 'delete' : 'keep')}
      >
        <Stack gap="xs" mt="xs">
          <Radio
            value="keep"
            label="Keep it"
            description="As if made by hand: nobody deletes it but you."
          />
          <Radio
            value="delete"
            label="Delete it too"
            description="Its snapshots and backups go for good; only what is on hold stays."
          />
        </Stack>
      </Radio.Group>
    </FormDialog>
  );
}

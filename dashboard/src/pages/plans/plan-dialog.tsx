import { Checkbox, NativeSelect, Radio, Stack, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { createPlan, type Plan, updatePlan } from '../../api/plans.ts';
import { volumeChoicesQuery } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { FormDialog } from '../../components/form-dialog.tsx';
import { nameOf } from '../../components/quantities.ts';
import { toastSuccess } from '../../components/toasts.ts';
import { canBeJudged, type PlanForm, planOf, usePlanForm, words } from './plan-form.ts';
import { PlanPreview } from './plan-preview.tsx';
import { actionNames, makesSomething, retentionRules } from './plan-words.ts';

const previewAfterMs = 400;

/** A new plan, or another one of these words; beside it, what it would keep and delete. */
export function PlanDialog({ plan }: { plan?: Plan }): ReactNode {
  const { close } = useDialogs();
  const form = usePlanForm(plan);
  const [judged] = useDebouncedValue(form.values, previewAfterMs);
  const title = plan === undefined ? 'Create Plan' : 'Edit Plan';
  const submit = async (): Promise<void> => {
    const wanted = planOf(form.values, plan);
    if (plan === undefined) await createPlan(wanted);
    else await updatePlan(plan.id, wanted);
    close();
    toastSuccess(plan === undefined ? `Plan "${wanted.name}" is made.` : 'The plan is changed.');
  };
  return (
    <FormDialog
      title={title}
      submitLabel={plan === undefined ? title : 'Save Changes'}
      failure="Unable to save the plan."
      check={form.check}
      submit={submit}
      help={
        canBeJudged(judged) ? (
          <PlanPreview plan={planOf(judged, plan)} planId={plan?.id} />
        ) : (
          <p>When the fields are right, what would be kept and deleted shows here.</p>
        )
      }
    >
      <TextInput label="Plan Name" required data-autofocus {...form.text('name')} />
      <TextInput label="Description" {...form.text('description')} />
      <NativeSelect
        label="What it does"
        data={Object.entries(actionNames).map(([value, label]) => ({ value, label }))}
        {...form.choice('action')}
      />
      <WhenFields form={form} />
      <WhichFields form={form} />
      {makesSomething(form.values.action) && <KeepFields form={form} />}
      <Checkbox label="Enabled" {...form.box('enabled')} />
    </FormDialog>
  );
}

const zones: readonly string[] = ['UTC', ...Intl.supportedValuesOf('timeZone')];

function WhenFields({ form }: { form: PlanForm }): ReactNode {
  const choices = Object.entries(words).map(([value, label]) => ({ value, label }));
  return (
    <>
      <NativeSelect
        label="When"
        data={[...choices, { value: 'cron', label: 'By a cron expression' }]}
        {...form.choice('every')}
      />
      {form.values.every === 'cron' && (
        <TextInput
          label="Cron expression"
          description="Minute, hour, day, month, day of the week: 30 2 * * 1-5"
          required
          {...form.text('cron')}
        />
      )}
      <NativeSelect label="Time zone" data={[...new Set(zones)]} {...form.choice('zone')} />
    </>
  );
}

function WhichFields({ form }: { form: PlanForm }): ReactNode {
  const { which } = form.values;
  return (
    <>
      <Radio.Group
        label="Which volumes"
        description="Besides those whose metadata firn:plan has the plan’s name"
        value={which}
        onChange={(next) => form.set({ which: next })}
      >
        <Stack gap={6} mt={6}>
          <Radio value="named" label="Only those" />
          <Radio value="chosen" label="These volumes" />
          <Radio value="metadata" label="Those with this metadata" />
          <Radio value="all" label="All of the project" />
        </Stack>
      </Radio.Group>
      {which === 'chosen' && <VolumeChoices form={form} />}
      {which === 'metadata' && (
        <div className="field-pair">
          <TextInput label="Key" required {...form.text('key')} />
          <TextInput label="Value" {...form.text('value')} />
        </div>
      )}
    </>
  );
}

function VolumeChoices({ form }: { form: PlanForm }): ReactNode {
  const { data: volumes = [] } = useQuery(volumeChoicesQuery({}));
  const { error } = form.text('volumes');
  const { volumes: chosen } = form.values;
  return (
    <Checkbox.Group
      label="Volumes"
      value={chosen === '' ? [] : chosen.split(',')}
      onChange={(ids) => form.set({ volumes: ids.join(',') })}
      {...(error === undefined ? {} : { error })}
    >
      <div className="choice-list">
        {volumes.map((volume) => (
          <Checkbox key={volume.id} value={volume.id} label={nameOf(volume)} my={4} />
        ))}
      </div>
    </Checkbox.Group>
  );
}

const ruleLabels: Readonly<Record<keyof typeof retentionRules, string>> = {
  last: 'The newest',
  within_days: 'All of so many days',
  hourly: 'One an hour, of hours',
  daily: 'One a day, of days',
  weekly: 'One a week, of weeks',
  monthly: 'One a month, of months',
  yearly: 'One a year, of years',
};

function KeepFields({ form }: { form: PlanForm }): ReactNode {
  const rules = Object.keys(retentionRules) as (keyof typeof retentionRules)[];
  return (
    <fieldset className="keep-fields">
      <legend>What is kept</legend>
      <p>Whatever one of these keeps; without any, everything. Each counts what it made itself.</p>
      <div className="field-grid">
        {rules.map((rule) => (
          <TextInput
            key={rule}
            label={ruleLabels[rule]}
            inputMode="numeric"
            size="xs"
            {...form.text(rule)}
          />
        ))}
      </div>
    </fieldset>
  );
}

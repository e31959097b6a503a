import { NativeSelect, Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import { type NewPlan, type WhatIf, whatIfQuery } from '../../api/plans.ts';
import { bytesText, instantOf, timeText } from '../../components/quantities.ts';
import { errorText } from '../../components/toasts.ts';
import { KeepCalendar } from './keep-calendar.tsx';
import { makesSomething } from './plan-words.ts';

const dayMs = 86_400_000;

const ownZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** How far ahead one looks, in days. */
const horizons = [
  { value: '0', label: 'as it is now' },
  { value: '30', label: 'in a month' },
  { value: '90', label: 'in three months' },
  { value: '365', label: 'in a year' },
];

/** More of them would keep the page waiting. */
const itemsMax = 30_000;

/** About how many things there would be to judge in so many days. */
function itemCount(now: WhatIf | undefined, days: number): number {
  if (now === undefined || days === 0) return 0;
  const runs = now.next_runs.map((instant) => instantOf(instant).getTime());
  const spanMs = (runs.at(-1) ?? 0) - (runs[0] ?? 0);
  const daysBetween = spanMs / Math.max(1, runs.length - 1) / dayMs;
  return now.volume_count * (daysBetween === 0 ? 1 : days / daysBetween);
}

interface PreviewProps {
  readonly plan: NewPlan;
  /** The plan that is there already, whose backups are judged. */
  readonly planId: string | undefined;
}

/** The next runs, and on a calendar what would be kept and deleted; nothing is saved by looking. */
export function PlanPreview({ plan, planId }: PreviewProps): ReactNode {
  const [days, setDays] = useState('90');
  // One instant for as long as it is looked at: each other would be another question.
  const [from] = useState(() => Date.now());
  // Names do not matter to what is kept, and an empty one would be refused.
  const asked = useMemo(() => ({ ...plan, name: plan.name === '' ? 'new' : plan.name }), [plan]);
  const untilIn = (count: string): string => new Date(from + Number(count) * dayMs).toISOString();
  const { data: now, error } = useQuery({
    ...whatIfQuery({ plan: asked, planId, until: untilIn('0') }),
    placeholderData: keepPreviousData,
  });
  const fitting = horizons.filter(({ value }) => itemCount(now, Number(value)) <= itemsMax);
  const chosen = fitting.findLast(({ value }) => Number(value) <= Number(days))?.value ?? '0';
  const { data } = useQuery({
    ...whatIfQuery({ plan: asked, planId, until: untilIn(chosen) }),
    enabled: now !== undefined,
    placeholderData: keepPreviousData,
  });
  if (error !== null) return <Text c="red">{errorText(error)}</Text>;
  if (data === undefined) return null;
  return (
    <>
      <NextRuns instants={data.next_runs} zone={plan.time_zone} />
      {makesSomething(plan.action) && (
        <>
          <NativeSelect
            label="What would be there"
            data={fitting}
            value={chosen}
            onChange={(event) => setDays(event.currentTarget.value)}
            my="sm"
          />
          <Outcome outcome={data} action={plan.action} />
          <KeepCalendar items={data.items} zone={plan.time_zone} />
        </>
      )}
    </>
  );
}

function NextRuns(props: {
  readonly instants: readonly string[];
  readonly zone: string;
}): ReactNode {
  const { instants, zone } = props;
  return (
    <section aria-label="Next runs">
      <Title order={3} size="h5">
        The next five runs
      </Title>
      {instants.length === 0 && <Text size="sm">None: it is off, or never comes.</Text>}
      <ol className="next-runs">
        {instants.map((instant) => (
          <li key={instant}>
            <time dateTime={instant}>{timeText(instant)}</time>
          </li>
        ))}
      </ol>
      {zone !== ownZone && (
        <Text size="sm" c="dimmed">
          In your time zone; the plan’s is {zone}.
        </Text>
      )}
    </section>
  );
}

function Outcome({ outcome, action }: { outcome: WhatIf; action: string }): ReactNode {
  const { volume_count: volumes, kept_count: kept, deleted_count: deleted, freed } = outcome;
  const things = action === 'snapshot' ? 'snapshots' : 'backups';
  return (
    <p>
      {volumes === 0
        ? 'No volume would be under it. '
        : `${volumes} volume${volumes === 1 ? '' : 's'}: `}
      <b>{kept} kept</b>, <b>{deleted} deleted</b> of {kept + deleted} {things}.
      {freed.backup_count > 0 &&
        ` Of those that are there, ${freed.backup_count} would go, which frees ` +
          `${bytesText(freed.bytes_min)} to ${bytesText(freed.bytes_max)}.`}
    </p>
  );
}

import { Button, Group, VisuallyHidden } from '@mantine/core';
import { type ReactNode, useMemo, useState } from 'react';
import type { Judged } from '../../api/plans.ts';
import { instantOf } from '../../components/quantities.ts';
import { reasonText } from './plan-words.ts';

/** What is of one day, in the plan's time zone. */
interface Day {
  readonly kept: number;
  readonly deleted: number;
  readonly reasons: ReadonlySet<string>;
  readonly isFuture: boolean;
}

/** Months that are seen at once. */
const monthsShown = 2;

interface CalendarProps {
  readonly items: readonly Judged[];
  readonly zone: string;
}

/**
 * What is kept and deleted, by days. It is seen without colour too: what is kept has an edge, what
 * is deleted is struck out, and the edge of what is not there yet is broken.
 */
export function KeepCalendar({ items, zone }: CalendarProps): ReactNode {
  const days = useMemo(() => daysOf(items, zone), [items, zone]);
  const months = useMemo(() => monthsOf([...days.keys()]), [days]);
  const [back, setBack] = useState(0);
  if (months.length === 0) return null;
  const end = Math.max(Math.min(monthsShown, months.length), months.length - back);
  const shown = months.slice(Math.max(0, end - monthsShown), end);
  return (
    <section aria-label="Calendar of what is kept" className="calendar">
      <div className="calendar-months">
        {shown.map((month) => (
          <Month key={month} month={month} days={days} />
        ))}
      </div>
      {months.length > monthsShown && (
        <Group gap="xs" mt="xs">
          <Button
            size="compact-sm"
            variant="default"
            disabled={end <= monthsShown}
            onClick={() => setBack(back + monthsShown)}
          >
            ‹ Earlier
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            disabled={back === 0}
            onClick={() => setBack(Math.max(0, back - monthsShown))}
          >
            Later ›
          </Button>
        </Group>
      )}
      <ul className="legend">
        {(['kept', 'some', 'deleted'] as const).map((look) => (
          <li key={look}>
            <span className={`day day-${look}`} aria-hidden>
              1
            </span>
            {legend[look]}
          </li>
        ))}
        <li>
          <span className="day day-kept day-future" aria-hidden>
            1
          </span>
          not made yet
        </li>
      </ul>
    </section>
  );
}

const legend = { kept: 'all kept', some: 'some kept', deleted: 'all deleted' } as const;

function daysOf(items: readonly Judged[], zone: string): ReadonlyMap<string, Day> {
  // The Swedish way to write a day is 2026-03-29.
  const format = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short' });
  const days = new Map<string, Day>();
  for (const [day, group] of Map.groupBy(items, ({ at }) => format.format(instantOf(at)))) {
    const kept = group.filter(({ keep }) => keep);
    days.set(day, {
      kept: kept.length,
      deleted: group.length - kept.length,
      reasons: new Set(kept.flatMap(({ reasons }) => reasons)),
      isFuture: group.every(({ future }) => future),
    });
  }
  return days;
}

/** Every month from the first to the last of the days: `2026-03`. */
function monthsOf(days: readonly string[]): readonly string[] {
  const sorted = days.toSorted();
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return [];
  const months: string[] = [];
  const at = new Date(`${first.slice(0, 7)}-01T00:00:00Z`);
  while (at.toISOString().slice(0, 7) <= last.slice(0, 7)) {
    months.push(at.toISOString().slice(0, 7));
    at.setUTCMonth(at.getUTCMonth() + 1);
  }
  return months;
}

const monthFormat = new Intl.DateTimeFormat(undefined, {
  timeZone: 'UTC',
  year: 'numeric',
  month: 'long',
});
const weekdays = ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'];

function Month(props: {
  readonly month: string;
  readonly days: ReadonlyMap<string, Day>;
}): ReactNode {
  const first = new Date(`${props.month}-01T00:00:00Z`);
  const blanks = (first.getUTCDay() + 6) % 7;
  const next = new Date(first);
  next.setUTCMonth(next.getUTCMonth() + 1);
  const count = Math.round((next.getTime() - first.getTime()) / 86_400_000);
  const cells = Array.from({ length: Math.ceil((blanks + count) / 7) * 7 }, (_, index) => {
    const date = index - blanks + 1;
    return date < 1 || date > count ? undefined : date;
  });
  const weeks = Array.from({ length: cells.length / 7 }, (_, week) =>
    cells.slice(week * 7, week * 7 + 7),
  );
  return (
    <table className="month">
      <caption>{monthFormat.format(first)}</caption>
      <thead>
        <tr>
          {weekdays.map((day) => (
            <th key={day} scope="col">
              {day}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {weeks.map((week, number) => (
          <tr key={number}>
            {week.map((date, weekday) => {
              const key = `${props.month}-${String(date ?? '').padStart(2, '0')}`;
              return (
                <td key={weekday}>
                  {date !== undefined && <DayCell date={date} day={props.days.get(key)} />}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function DayCell({ date, day }: { date: number; day: Day | undefined }): ReactNode {
  if (day === undefined) return <span className="day">{date}</span>;
  const { kept, deleted, reasons, isFuture } = day;
  const look = deleted === 0 ? 'kept' : kept === 0 ? 'deleted' : 'some';
  const why = [...reasons].map(reasonText).join(', ');
  const words = [
    ...(kept > 0 ? [`${kept} kept: ${why}`] : []),
    ...(deleted > 0 ? [`${deleted} deleted`] : []),
    ...(isFuture ? ['not made yet'] : []),
  ].join('; ');
  return (
    <span className={`day day-${look}${isFuture ? ' day-future' : ''}`} title={words}>
      {date}
      <VisuallyHidden>: {words}</VisuallyHidden>
    </span>
  );
}

import type { KeyboardEvent } from 'react';

/** Arrows go from row to row, Enter opens the row's page, Space ticks it. */
export function onRowKeys(event: KeyboardEvent<HTMLElement>): void {
  const { target } = event;
  if (!(target instanceof HTMLElement) || target.tagName !== 'TR') return;
  const row = target;
  const moves: Record<string, Element | null | undefined> = {
    ArrowDown: row.nextElementSibling,
    ArrowUp: row.previousElementSibling,
    Home: row.parentElement?.firstElementChild,
    End: row.parentElement?.lastElementChild,
  };
  if (event.key in moves) {
    const next = moves[event.key];
    if (next instanceof HTMLElement) next.focus();
  } else if (event.key === 'Enter') {
    row.querySelector<HTMLElement>('a')?.click();
  } else if (event.key === ' ') {
    row.querySelector<HTMLElement>('input[type=checkbox]')?.click();
  } else return;
  event.preventDefault();
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change, ChangeListener } from '../../catalog/change-feed.ts';
import { EventLog } from './event-log.ts';

/** A log that is fed, and whose time passes, by hand. */
function openLog(keptMax?: number): {
  log: EventLog;
  tell: (changes: readonly Change[]) => void;
  pass: () => void;
} {
  let listener: ChangeListener = () => assert.fail('nobody listens');
  let due: (() => void) | undefined;
  const feed = { subscribe: (given: ChangeListener) => ((listener = given), () => undefined) };
  const scheduler = {
    after: (_delayMs: number, work: () => void) => ((due = work), { cancel: () => undefined }),
  };
  const log = new EventLog(feed, scheduler, keptMax);
  const pass = (): void => {
    const work = due;
    due = undefined;
    work?.();
  };
  return { log, tell: (changes) => listener(changes), pass };
}

const change = (id: string, kind: Change['kind'] = 'change'): Change => ({
  table: 'volumes',
  id,
  kind,
});

/** All events after a position. */
function seen(log: EventLog, number: number): string[] {
  const event = log.after(number);
  if (event === undefined) return [];
  if (event === 'dropped') return ['dropped'];
  const text = `${event.number} ${event.change.kind} ${event.change.id}`;
  return [text, ...seen(log, event.number)];
}

test('changes of one kind to one row become one event, in the order of the newest', () => {
  const { log, tell, pass } = openLog();
  tell([change('a', 'insert'), change('b')]);
  tell([change('a'), change('b'), change('a'), change('c', 'insert'), change('c', 'remove')]);
  assert.deepEqual(seen(log, 0), []);
  pass();
  const all = ['1 insert a', '2 change b', '3 change a', '4 insert c', '5 remove c'];
  assert.deepEqual(seen(log, 0), all);
  assert.deepEqual(seen(log, 4), ['5 remove c']);
  assert.deepEqual(seen(log, 5), []);
});

test('what is not kept any more is said to be missing', () => {
  const { log, tell, pass } = openLog(3);
  for (const id of ['a', 'b', 'c', 'd']) {
    tell([change(id)]);
    pass();
  }
  assert.deepEqual(seen(log, 0), ['dropped']);
  assert.deepEqual(seen(log, 1), ['2 change b', '3 change c', '4 change d']);
});

test('each who waits is woken once, unless it has left', () => {
  const { log, tell, pass } = openLog();
  const woken: string[] = [];
  log.onNext(() => woken.push('one'));
  const leave = log.onNext(() => woken.push('two'));
  leave();
  tell([change('a')]);
  pass();
  tell([change('a')]);
  pass();
  assert.deepEqual(woken, ['one']);
});

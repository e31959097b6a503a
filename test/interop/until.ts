import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long anything may take before a test says that it is stuck. */
const timeoutMs = 180_000;

/** Resolves when `look` finds that it is so; for what changes without telling anybody. */
export async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const limit = AbortSignal.timeout(timeoutMs);
  while (!(await look())) {
    assert.ok(!limit.aborted, `not in time: ${what}`);
    await sleep(20);
  }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runRandomFaults, runWithFault } from './every-fault-fixture.ts';

/** Every call in the long form; a few of each kind otherwise, others in each test. */
const isLong = process.env['FIRN_LONG_TESTS'] !== undefined;
const stride = isLong ? 1 : 13;

for (const [index, code] of ['EIO', 'ENOSPC'].entries()) {
  test(`whichever call fails with ${code}, what was acknowledged stays`, async (t) => {
    const operations = new Set<string>();
    for (let failing = isLong ? 1 : 1 + 6 * index; ; failing += stride) {
      const { failed } = await runWithFault({
        call: failing,
        code,
        short: failing % 2 === 0,
        end: failing % 2 === index ? 'power cut' : 'in order',
        loses: () => true,
      });
      if (failed === undefined) {
        t.diagnostic(`${failing} calls`);
        break;
      }
      operations.add(failed.split(' ')[0] ?? '');
    }
    if (!isLong) return;
    const all = ['open', 'read', 'write', 'datasync', 'punch', 'truncate', 'sizeBytes', 'rename'];
    all.push(
      'allocatedBytes',
      'link',
      'list',
      'remove',
      'syncFolder',
      'writeDurably',
      'makeFolder',
    );
    assert.deepEqual(
      [...all].filter((operation) => !operations.has(operation)),
      [],
    );
  });
}

test('a write over data that ends in the middle leaves its own sector broken at most', async () => {
  const none = { call: 0, code: 'EIO', short: false, end: 'in order', loses: () => false } as const;
  const { calls } = await runWithFault(none);
  // The last round goes over what the round before it has put into the head.
  for (let call = calls - 40; call <= calls - 10; call += 1) {
    const fault = { call, code: 'ENOSPC', short: true, loses: () => true } as const;
    await runWithFault({ ...fault, end: call % 2 === 0 ? 'power cut' : 'in order' });
  }
});

test('random calls fail, and a power cut loses only some of what it may', async () => {
  await runRandomFaults({ seed: 1, runs: 10 });
});

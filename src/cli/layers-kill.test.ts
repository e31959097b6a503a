/** `firn layers` in a folder that a killed Firn has left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB } from '../base/bytes.ts';
import { makeKilledFolder, startOnce } from '../inspect/killed-folder-fixture.ts';
import { runCli } from './program.ts';

const sector = 4 * KiB;

async function run(folder: string, ...args: string[]) {
  const out: Buffer[] = [];
  let err = '';
  const code = await runCli(['layers', ...args, '--data', folder], {
    environment: {},
    stdout: {
      write: (text, onDone) => {
        out.push(Buffer.from(text));
        onDone?.();
      },
    },
    stderr: { write: (text) => (err += text.toString()) },
    serve: () => assert.fail('nothing is served'),
  });
  return { code, out: Buffer.concat(out), err };
}

for (const hasNewerHeads of [false, true]) {
  const what = hasNewerHeads ? 'a newer head' : 'unflushed writes';
  test(`with ${what}, export is refused, or forced and says so`, async () => {
    const killed = await makeKilledFolder({ hasNewerHeads });
    const { folder } = killed;
    try {
      const refused = await run(folder, 'export', 'v', '-');
      assert.deepEqual([refused.code, refused.out.length], [1, 0]);
      assert.match(refused.err, /^firn: Firn was killed, .*: start and stop Firn once first \(/);
      const forced = await run(folder, 'export', 'v', '-', '--force');
      assert.equal(forced.code, 0);
      assert.match(forced.err, /answered and not flushed are missing in the image\.\n$/);
      assert.equal(forced.out[0], 1);
      const other = await run(folder, 'export', 'w', '-');
      assert.deepEqual([other.code, other.out[0]], [0, 9], other.err);
      const list = (await run(folder, 'list')).out.toString();
      assert.match(list, hasNewerHeads ? / newer-head/ : / head, unflushed +1\.0 MiB/);
      const check = await run(folder, 'check');
      assert.equal(check.code, 0);
      assert.match(check.out.toString(), /note: /);
      const held = await startOnce(folder);
      const whole = await run(folder, 'export', 'v', '-');
      assert.equal(whole.code, 0, whole.err);
      assert.deepEqual(
        [0, 1, 2].map((at) => whole.out[at * sector]),
        held,
      );
    } finally {
      await killed.remove();
    }
  });
}

/** openstacksdk: what its Block Storage proxy can do. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startScene } from '../firn.ts';
import { needs } from '../peer.ts';
import { environmentOf } from './fleet.ts';

const script = fileURLToPath(new URL('./sdk_block_storage.py', import.meta.url));

test('openstacksdk', needs('openstack'), async (t) => {
  const { dataFolder } = await startScene(t);
  const env = environmentOf('openstack', dataFolder);
  const args = ['-W', 'ignore', script];
  const { stdout } = await promisify(execFile)('/usr/bin/python3', args, { env });
  assert.match(stdout, /ok nothing is left/);
  assert.match(stdout, /^not called: none$/m);
});

/** What fio wrote, with check sums, is what it finds after Firn was started again. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { must } from '../../src/base/assert.ts';
import { MiB } from '../../src/base/bytes.ts';
import { connectNbd } from '../../src/client/nbd.ts';
import { startScene, volumeReady } from '../firn.ts';
import { needs } from '../peer.ts';

const run = promisify(execFile);

interface Load {
  readonly rw: 'randwrite' | 'write';
  readonly bs: string;
  readonly offset: string;
}

const flushed: Load = { rw: 'randwrite', bs: '4k', offset: '0' };
const long: Load = { rw: 'write', bs: '256k', offset: '256m' };
const unflushed: Load = { rw: 'randwrite', bs: '12k', offset: '512m' };

async function fio(uri: string, load: Load, more: readonly string[]): Promise<void> {
  const common = ['--name=verify', '--ioengine=nbd', `--uri=${uri}`, '--iodepth=16'];
  const place = [`--offset=${load.offset}`, '--size=16m', `--rw=${load.rw}`, `--bs=${load.bs}`];
  const verify = ['--verify=crc32c', '--verify_fatal=1', '--verify_state_save=0', '--randseed=7'];
  await run('timeout', ['300', 'fio', ...common, ...place, ...verify, ...more]);
}

test('fio verifies over restarts and a kill of Firn', needs('fio'), async (t) => {
  const scene = await startScene(t);
  const { client } = scene;
  const volumeId = await volumeReady(client, await client.volumes.create({ size: 1 }));
  const { connection_info: info } = await client.attach(volumeId, { host: 'fio', mode: 'rw' });
  const uri = must(info.unix_uri, 'an address on the unix socket');
  const verifyAll = async (loads: readonly Load[]): Promise<void> => {
    for (const load of loads) await fio(uri, load, ['--verify_only']);
  };
  for (const load of [flushed, long]) await fio(uri, load, ['--do_verify=0', '--end_fsync=1']);
  await scene.restart();
  await verifyAll([flushed, long]);
  await fio(uri, unflushed, ['--do_verify=0']);
  await scene.firn.kill();
  await scene.restart();
  await verifyAll([flushed, long, unflushed]);
  // That fio would notice: a few bytes are not what they were.
  const other = await connectNbd({ uri });
  await other.write(MiB + 1000, Buffer.alloc(5, 0xaa));
  await other.disconnect();
  await assert.rejects(verifyAll([flushed]), /verify/);
});

/** The server against the programs that people use: libnbd's tools, QEMU's tools, fio. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { access, constants, open, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const MiB = 1024 * 1024;
const lengthBytes = 64 * MiB;
const run = promisify(execFile);

async function isInstalled(tool: string): Promise<boolean> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const found = await access(join(folder, tool), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

interface Peer extends AsyncDisposable {
  readonly rig: TestServer;
  /** The export over the unix socket and over TCP. */
  readonly uris: readonly string[];
}

/** Runs `body` against a fresh server; skips when a tool is missing, and fails on CI. */
function peerTest(
  name: string,
  tools: readonly string[],
  body: (peer: Peer, context: TestContext) => Promise<void>,
): void {
  test(name, { timeout: 300_000 }, async (context) => {
    for (const tool of tools) {
      if (await isInstalled(tool)) continue;
      assert.notEqual(process.env['CI'], 'true', `${tool} is installed on CI`);
      context.skip(`${tool} is not installed`);
      return;
    }
    await using rig = await startTestServer(openMemoryDevice({ lengthBytes }));
    const { port } = await rig.server.listenTcp('127.0.0.1', 0);
    const uris = [rig.uri, `nbd://127.0.0.1:${port}/${rig.name}`];
    await body({ rig, uris, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() }, context);
    const faults = rig.events.filter((event) => event.kind === 'fault');
    assert.deepEqual(faults, [], 'the device was never misused');
  });
}

async function output(tool: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(tool, args, { maxBuffer: 16 * MiB });
  return stdout;
}

/** A raw image with data, holes and an unaligned tail of data. */
async function makeImage(path: string): Promise<Buffer> {
  const image = Buffer.alloc(lengthBytes);
  randomBytes(5 * MiB + 4096).copy(image, MiB);
  randomBytes(700).copy(image, 40 * MiB + 13);
  randomBytes(MiB).copy(image, lengthBytes - MiB);
  const handle = await open(path, 'w');
  await handle.truncate(lengthBytes);
  await handle.write(image, MiB, 5 * MiB + 4096, MiB);
  await handle.write(image, 40 * MiB, 4096, 40 * MiB);
  await handle.write(image, lengthBytes - MiB, MiB, lengthBytes - MiB);
  await handle.close();
  return image;
}

const hashOf = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

peerTest('nbdinfo reads size, abilities and an empty list', ['nbdinfo'], async ({ uris }) => {
  for (const uri of uris) {
    assert.equal((await output('nbdinfo', ['--size', uri])).trim(), String(lengthBytes));
    const about = JSON.parse(await output('nbdinfo', ['--json', uri]));
    assert.equal(about.structured, true);
    const found = about.exports[0];
    for (const ability of ['flush', 'fua', 'trim', 'zero', 'fast_zero', 'cache', 'df']) {
      assert.equal(found[`can_${ability}`], true, ability);
    }
    assert.equal(found.can_multi_conn, true);
    assert.equal(found.is_read_only, false);
    assert.equal(found.block_size_maximum, 32 * MiB);
  }
  const list = JSON.parse(
    await output('nbdinfo', ['--list', '--json', new URL('/', uris[1]).href]),
  );
  assert.deepEqual(list.exports, []);
});

peerTest('nbdinfo --map shows data, zeros and holes', ['nbdinfo'], async ({ rig, uris }) => {
  await rig.watched.device.write(MiB, Buffer.alloc(MiB, 1));
  await rig.watched.device.zero(MiB, 65536);
  for (const uri of uris) {
    const map = JSON.parse(await output('nbdinfo', ['--map', '--json', uri]));
    assert.deepEqual(
      map.map((run: { offset: number; length: number; type: number }) => [
        run.offset,
        run.length,
        run.type,
      ]),
      [
        [0, MiB + 65536, 3],
        [MiB + 65536, MiB - 65536, 0],
        [2 * MiB, lengthBytes - 2 * MiB, 3],
      ],
    );
  }
});

peerTest('nbdcopy copies in both directions', ['nbdcopy'], async ({ rig, uris }) => {
  const source = join(rig.folder, 'source.raw');
  const image = await makeImage(source);
  for (const [index, uri] of uris.entries()) {
    const target = join(rig.folder, `target-${index}.raw`);
    await rig.watched.device.write(8 * MiB, Buffer.alloc(MiB, 0xee));
    await run('nbdcopy', ['--flush', source, uri]);
    await run('nbdcopy', [uri, target]);
    assert.equal(hashOf(await readFile(target)), hashOf(image));
  }
});

peerTest('qemu-img converts in both directions', ['qemu-img'], async ({ rig, uris }) => {
  const source = join(rig.folder, 'source.raw');
  const image = await makeImage(source);
  for (const [index, uri] of uris.entries()) {
    const target = join(rig.folder, `target-${index}.raw`);
    const qcow = join(rig.folder, `target-${index}.qcow2`);
    await rig.watched.device.write(8 * MiB, Buffer.alloc(MiB, 0xee));
    await run('qemu-img', ['convert', '-n', '-f', 'raw', '-O', 'raw', source, uri]);
    await run('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', source, uri]);
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', uri, qcow]);
    await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', qcow, target]);
    assert.equal(hashOf(await readFile(target)), hashOf(image));
  }
});

peerTest('qemu-io writes, zeroes, discards, reads', ['qemu-io'], async ({ uris }) => {
  for (const uri of uris) {
    const commands = [
      'write -P 0x5a 1M 3M',
      'write -f -P 0x5b 512 1536',
      'read -P 0x5a 1M 3M',
      'read -P 0x5b 512 1536',
      'write -z 2M 1M',
      'write -z -u 3M 4096',
      'read -P 0 2M 1028k',
      'read -P 0x5a 3076k 1020k',
      'discard 1M 64k',
      'read -P 0 1M 64k',
      'flush',
      'aio_write -P 7 8M 32M',
      'aio_flush',
      'read -P 7 8M 32M',
    ];
    const args = ['-f', 'raw', uri, ...commands.flatMap((command) => ['-c', command])];
    const { stdout } = await run('qemu-io', args);
    assert.doesNotMatch(stdout, /fail|error/i);
  }
});

peerTest('qemu sees what is allocated', ['qemu-img'], async ({ rig, uris }) => {
  await rig.watched.device.write(4 * MiB, Buffer.alloc(2 * MiB, 1));
  for (const uri of uris) {
    const args = ['map', '--output=json', '-f', 'raw', uri];
    const map = JSON.parse(await output('qemu-img', args));
    assert.deepEqual(
      map.map((run: { start: number; length: number; data: boolean }) => [
        run.start,
        run.length,
        run.data,
      ]),
      [
        [0, 4 * MiB, false],
        [4 * MiB, 2 * MiB, true],
        [6 * MiB, lengthBytes - 6 * MiB, false],
      ],
    );
  }
});

peerTest('a read-only export refuses a writing QEMU', ['qemu-io'], async ({ rig }) => {
  const device = openMemoryDevice({ lengthBytes: MiB, readOnly: true });
  await using second = await startTestServer(device);
  const args = ['-f', 'raw', second.uri, '-c', 'write 0 512'];
  await assert.rejects(run('qemu-io', args));
  await run('qemu-io', ['-r', '-f', 'raw', second.uri, '-c', 'read -P 0 0 1M']);
  assert.equal(rig.watched.opened, 0);
});

peerTest('a read-only export says so, and stays as it is', ['nbdinfo', 'nbdcopy'], async () => {
  const device = openMemoryDevice({ lengthBytes: MiB, readOnly: true });
  await using second = await startTestServer(device);
  const about = JSON.parse(await output('nbdinfo', ['--json', second.uri])).exports[0];
  const can = ['trim', 'zero', 'fast_zero'].map((ability) => about[`can_${ability}`]);
  assert.deepEqual([about.is_read_only, ...can], [true, false, false, false]);
  const source = join(second.folder, 'source.raw');
  await writeFile(source, Buffer.alloc(MiB, 1));
  await assert.rejects(run('nbdcopy', [source, second.uri]));
  const hole = { offsetBytes: 0, lengthBytes: MiB, kind: 'absent' };
  assert.deepEqual(await device.extents(0, MiB), [hole]);
});

peerTest('nbdcopy uses many connections at once', ['nbdcopy'], async ({ rig, uris }) => {
  const [source, target] = [join(rig.folder, 'source.raw'), join(rig.folder, 'target.raw')];
  const image = randomBytes(lengthBytes);
  await writeFile(source, image);
  const many = ['--connections=8', '--threads=8', '--requests=32', '--request-size=65536'];
  for (const uri of uris) {
    const openedBefore = rig.watched.opened;
    await rig.watched.device.zero(0, lengthBytes / 2);
    await run('nbdcopy', [...many, '--flush', source, uri]);
    await run('nbdcopy', [...many, uri, target]);
    assert.ok((await readFile(target)).equals(image));
    assert.ok(rig.watched.opened - openedBefore >= 16, 'each copy had eight connections');
  }
});

peerTest('qemu-io: FUA is durable, single bytes stay apart', ['qemu-io'], async ({ rig, uris }) => {
  for (const uri of uris) {
    const flushedBefore = rig.watched.flushed;
    const commands = [
      'write -P 1 0 64k',
      'write -f -P 2 4095 3',
      'write -P 3 8191 1',
      'read -P 1 0 4095',
      'read -P 2 4095 3',
      'read -P 1 4098 4093',
      'read -P 3 8191 1',
      'discard 0 32M',
      'discard 32M 32M',
    ];
    const args = ['-f', 'raw', uri, ...commands.flatMap((word) => ['-c', word])];
    const { stdout } = await run('qemu-io', args);
    assert.doesNotMatch(stdout, /fail|error/i);
    assert.ok(rig.watched.flushed > flushedBefore);
    const extents = await rig.watched.device.extents(0, lengthBytes);
    assert.ok(
      extents.every(({ kind }) => kind !== 'data'),
      'the space is given back',
    );
  }
});

peerTest('fio verifies what it wrote at random', ['fio'], async ({ rig, uris }, context) => {
  const engines = await output('fio', ['--enghelp']);
  if (!/\bnbd\b/.test(engines)) {
    assert.notEqual(process.env['CI'], 'true', 'the fio on CI has its nbd engine');
    context.skip('this fio has no nbd engine');
    return;
  }
  const job = join(rig.folder, 'job.fio');
  for (const uri of uris) {
    const lines = ['[global]', 'ioengine=nbd', `uri=${uri}`, 'iodepth=16', 'size=16m', '[verify]'];
    const rest = ['rw=randwrite', 'bsrange=512-256k', 'verify=crc32c', 'do_verify=1', 'fsync=8'];
    const jobs = ['numjobs=4', 'offset_increment=16m', 'verify_fatal=1'];
    await writeFile(job, `${[...lines, ...rest, ...jobs].join('\n')}\n`);
    await run('fio', [job], { cwd: rig.folder });
  }
});

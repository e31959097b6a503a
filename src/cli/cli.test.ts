import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, beforeEach } from 'node:test';
import { GiB, KiB, MiB } from '../base/bytes.ts';
import { isJsonObject } from '../base/json.ts';
import { openScriptedServer, scriptedVolume } from '../client/scripted-server.ts';
import type { Play, ScriptedServer } from '../client/scripted-server.ts';
import { ExportRegistry } from '../nbd/exports.ts';
import { NbdServer } from '../nbd/server.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { readOnlyDevice } from '../volume/read-only-device.ts';
import type { ConfigSource } from '../server/config-source.ts';
import { runCli } from './program.ts';

let folder: string;
let scripted: ScriptedServer;
let play: Play;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-cli-'));
  scripted = await openScriptedServer((request) => play(request));
  await writeFile(join(folder, 'clouds.yaml'), cloudsYaml('right'));
});
after(async () => {
  await scripted.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  play = () => undefined;
  scripted.requests.splice(0);
});

function cloudsYaml(password: string): string {
  const auth = {
    auth_url: `${scripted.url}/identity/v3`,
    username: 'ann',
    password,
    project_name: 'a',
  };
  return JSON.stringify({ clouds: { firn: { auth } } });
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(
  args: readonly string[],
  options: {
    environment?: Record<string, string>;
    serve?: (o: ConfigSource) => Promise<void>;
  } = {},
): Promise<Outcome> {
  let out = '';
  let err = '';
  const code = await runCli(args, {
    environment: options.environment ?? { FIRN_DATA: folder },
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    serve: options.serve ?? (async () => assert.fail('not to be served')),
  });
  return { code, out, err };
}

const volume = scriptedVolume({ id: 'v1', name: 'disk', size: 3 });

function backupOf(status: string): Record<string, unknown> {
  return {
    id: 'b1',
    name: 'nightly',
    description: null,
    status,
    size: 3,
    volume_id: 'v1',
    snapshot_id: null,
    container: 'firn',
    is_incremental: false,
    fail_reason: null,
    created_at: '2026-01-01T00:00:00.000000',
  };
}

test('a list is a table, or JSON', async () => {
  play = () => ({
    body: { volumes: [volume, scriptedVolume({ id: 'v2', name: 'a\u001b[2Jb\nc' })] },
  });
  const table = await run(['volume', 'list']);
  assert.equal(table.code, 0);
  const lines = table.out.split('\n');
  assert.match(lines[0] ?? '', /^ID {2}NAME +STATUS +SIZE +CREATED$/);
  assert.match(lines[1] ?? '', /^v1 {2}disk +available +3 GiB {2}2026/);
  assert.match(lines[2] ?? '', /^v2 {2}a�\[2Jb�c /);
  assert.equal(lines.length, 4);
  const json = await run(['volume', 'list', '--json']);
  assert.deepEqual(JSON.parse(json.out)[0], volume);
});

test('the version is that of the package', async () => {
  const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const { code, out } = await run(['--version']);
  assert.deepEqual([code, out], [0, `${JSON.parse(manifest).version}\n`]);
});

test('what makes no sense is 2, what cannot be done is 1 and one line', async () => {
  for (const args of [[], ['volume'], ['volume', 'fly'], ['volume', 'list', '--fly'], ['fly']]) {
    assert.equal((await run(args)).code, 2, args.join(' '));
  }
  assert.equal((await run(['volume', 'create', 'x', '--size', '0'])).code, 2);
  assert.equal((await run(['snapshot', 'create', 'x'])).code, 2);
  assert.equal((await run(['--help'])).code, 0);
  const missing = await run(['volume', 'show', 'nothing']);
  assert.deepEqual(missing, {
    code: 1,
    out: '',
    err: 'firn: No /volumes/detail?name=nothing&limit=500\n',
  });
  play = () => ({ status: 400, body: { badRequest: { code: 400, message: 'Two\nlines' } } });
  assert.equal((await run(['volume', 'list'])).err, 'firn: Two\n');
});

test('credentials: the flag, a cloud, variables; a clear word without any', async () => {
  play = () => ({ body: { volumes: [] } });
  const wrong = join(folder, 'wrong');
  await mkdir(wrong);
  await writeFile(join(wrong, 'clouds.yaml'), cloudsYaml('wrong'));
  const bad = { OS_CLOUD: 'firn', OS_CLIENT_CONFIG_FILE: join(wrong, 'clouds.yaml') };
  assert.equal((await run(['volume', 'list', '--data', folder], { environment: bad })).code, 0);
  assert.equal((await run(['--data', folder, 'volume', 'list'], { environment: bad })).code, 0);
  assert.equal((await run(['volume', 'list'], { environment: bad })).err, 'firn: Who are you?\n');
  const good = { OS_CLOUD: 'firn', OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml') };
  assert.equal((await run(['volume', 'list'], { environment: good })).code, 0);
  const variables = {
    OS_AUTH_URL: `${scripted.url}/identity`,
    OS_USERNAME: 'ann',
    OS_PASSWORD: 'right',
    OS_PROJECT_NAME: 'a',
  };
  assert.equal((await run(['volume', 'list'], { environment: variables })).code, 0);
  const none = await run(['volume', 'list', '--data', '/nonexistent']);
  assert.match(none.err, /^firn: \/nonexistent\/clouds\.yaml is not there/);
});

test('serve gets its flags, and the environment beside them', async () => {
  const seen: ConfigSource[] = [];
  const environment = { FIRN_DATA: '/other', FIRN_LOG: 'debug' };
  const flags = ['--data', '/d', '--listen', '[::1]:1', '--nbd-socket', '/s', '--nbd-insecure'];
  const outcome = await run(['serve', ...flags, '--config', '/firn.yaml'], {
    environment,
    serve: async (source) => void seen.push(source),
  });
  assert.equal(outcome.code, 0);
  assert.deepEqual(seen, [
    {
      flags: {
        '--data': '/d',
        '--listen': '[::1]:1',
        '--nbd-socket': '/s',
        '--nbd-insecure': 'true',
        '--config': '/firn.yaml',
      },
      environment,
    },
  ]);
  assert.equal((await run(['serve', '--nbd-insecure=perhaps'])).code, 2);
});

test('a backup is waited for with its progress', async () => {
  let looks = 0;
  play = ({ method, path }) => {
    if (path === '/volumes/v1') return { body: { volume } };
    if (method === 'POST') return { status: 202, body: { backup: { id: 'b1' } } };
    if (path === '/firn/v1/backups/b1') {
      const figures = { bytes_done: 512 * looks, bytes_total: 1024, bytes_stored: 10 };
      const rest = { status: 'creating', bytes_per_second: 5, verification: null, copies: [] };
      return { body: { backup: { ...rest, ...figures } } };
    }
    looks += 1;
    return { body: { backup: backupOf(looks < 2 ? 'creating' : 'available') } };
  };
  const args = ['backup', 'create', 'v1', '--name', 'nightly', '--wait', '--incremental'];
  const outcome = await run(args);
  assert.equal(outcome.code, 0);
  assert.match(outcome.out, /^name +nightly$/m);
  assert.match(outcome.out, /^status +available$/m);
  assert.equal(
    outcome.err,
    'backup nightly: 50 %  512 B of 1.0 KiB\nbackup nightly: 100 %  1.0 KiB of 1.0 KiB\n',
  );
  const sent = scripted.requests.find(({ method }) => method === 'POST')?.body;
  assert.deepEqual(sent, {
    backup: { volume_id: 'v1', name: 'nightly', incremental: true, force: false },
  });
});

test('a restore is waited for with its progress', async () => {
  let looks = 0;
  const backup = { ...backupOf('available'), id: 'b1' };
  play = ({ method, path }) => {
    if (path === '/backups/b1') return { body: { backup } };
    if (method === 'POST') {
      return { status: 202, body: { restore: { volume_id: 'v1', volume_name: 'disk' } } };
    }
    if (path.startsWith('/firn/v1/jobs?subject_id=b1&kind=backup.restore')) {
      const job = { id: 'j1', state: 'running', bytes_done: 512 * looks, bytes_total: 1024 };
      return { body: { jobs: [job] } };
    }
    if (path === '/firn/v1/volumes/v1') return { body: { volume: { hydration: null } } };
    looks += 1;
    const status = looks < 2 ? 'restoring-backup' : 'available';
    return { body: { volume: { ...volume, status } } };
  };
  const outcome = await run(['backup', 'restore', 'b1', '--name', 'disk', '--wait']);
  assert.equal(outcome.code, 0, outcome.err);
  assert.match(outcome.err, /restore of b1: 100 % {2}1\.0 KiB of 1\.0 KiB\n$/);
  const sent = scripted.requests.find(({ method }) => method === 'POST')?.body;
  assert.deepEqual(sent, { name: 'disk' });
});

test('repositories are listed and adopted', async () => {
  const damaged = [{ id: 'b3', reason: 'torn' }];
  const job = { id: 'j', state: 'failed', bytes_done: 0, bytes_total: 0, error: 'locked' };
  const repository = { container: 'c', backup_count: 2, bytes_stored: 2048, last_prune: job };
  play = ({ path }) =>
    path === '/firn/v1/repositories'
      ? { body: { repositories: [repository] } }
      : { body: { adopted: ['b1', 'b2'], shared: 1, known: 1, damaged } };
  assert.match((await run(['repository', 'list'])).out, /^c +2 +2\.0 KiB +failed: locked$/m);
  const adopted = await run(['repository', 'adopt', '--container', 'c']);
  const shown = ['adopted +2', 'of another installation +1', 'there already +1', 'damaged +b3'];
  assert.match(adopted.out, new RegExp(`^${shown.join('\n')} \\(torn\\)\n$`));
  assert.match(adopted.err, /gone for good, say so: firn repository adopt --take-over\n$/);
  assert.deepEqual(scripted.requests.at(-1)?.body, { container: 'c', take_over: false });
  await run(['repository', 'adopt', '--take-over']);
  assert.deepEqual(scripted.requests.at(-1)?.body, { container: null, take_over: true });
  await run(['repository', 'adopt', '--take-over', '--force']);
  const forced = { container: null, take_over: true, force: true };
  assert.deepEqual(scripted.requests.at(-1)?.body, forced);
});

test('a store is tried without a service', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-store-'));
  t.after(() => rm(folder, { recursive: true }));
  const { code, out } = await run(['store', 'check', `file://${folder}`]);
  assert.equal(code, 0);
  assert.match(out, /^it is read back, byte for byte +yes +\d+ MB\/s$/m);
  const gone = await run(['store', 'check', `file://${folder}/gone`]);
  assert.equal(gone.code, 1);
  assert.match(gone.err, /^firn: the folder of the store file:.* is gone: is it mounted\?$/m);
});

test('an ambiguous detachment is asked about', async () => {
  const attachments = [{ attachment_id: 'a1' }, { attachment_id: 'a2' }];
  play = ({ path }) =>
    path === '/volumes/v1' ? { body: { volume: { ...volume, attachments } } } : { body: {} };
  const unclear = await run(['volume', 'detach', 'v1']);
  assert.match(unclear.err, /more than once; choose with --attachment: a1, a2/);
  assert.equal((await run(['volume', 'detach', 'v1', '--attachment', 'a2'])).code, 0);
  assert.equal(scripted.requests.at(-1)?.path, '/attachments/a2');
  assert.equal((await run(['volume', 'detach', 'v1', '--attachment', 'a3'])).code, 1);
});

const snapshot = {
  id: 's1',
  name: 'still',
  description: null,
  status: 'available',
  size: 3,
  volume_id: 'v1',
  created_at: '2026-01-01T00:00:00.000000',
};
const usage = {
  logical_bytes: 3 * GiB,
  allocated_bytes: 3 * MiB,
  shared_bytes: 2 * MiB,
  exclusive_bytes: MiB,
};
const connection = {
  id: 'a1',
  status: 'attached',
  mode: 'rw',
  instance: null,
  host: 'one',
  connected_since: '2026-01-02T00:00:00',
  disconnected_at: null,
};

test('a volume is shown with what it takes up and who uses it, a snapshot too', async () => {
  play = ({ path }) => {
    if (path === '/volumes/v1') return { body: { volume } };
    if (path === '/snapshots/s1') return { body: { snapshot } };
    if (path === '/firn/v1/volumes/v1') {
      const hydration = { bytes_done: 1024, bytes_total: 2048, seconds_left: 1 };
      return { body: { volume: { hydration } } };
    }
    if (path.endsWith('/usage')) return { body: { usage } };
    if (path === '/firn/v1/snapshots/s1/exports') return { body: { exports: [] } };
    const attachments = [
      { ...connection, connections: 2 },
      { ...connection, id: 'a2', host: null, connections: 0, connected_since: null },
    ];
    return path === '/firn/v1/volumes/v1/attachments' ? { body: { attachments } } : undefined;
  };
  const shown = await run(['volume', 'show', 'v1']);
  assert.match(shown.out, /^allocated +3\.0 MiB\nshared +2\.0 MiB\nexclusive +1\.0 MiB$/m);
  assert.match(
    shown.out,
    /^connections +a1 \(one, rw, 2 connected since .{19}\), a2 \(no host, rw, no client\)$/m,
  );
  assert.match(shown.out, /^filled from backup +1\.0 KiB of 2\.0 KiB$/m);
  const json = JSON.parse((await run(['volume', 'show', 'v1', '--json'])).out);
  assert.deepEqual([json.id, json.usage, json.connections.length], ['v1', usage, 2]);
  const still = await run(['snapshot', 'show', 's1']);
  assert.match(still.out, /^exclusive +1\.0 MiB\nexports +-$/m);
});

test('a volume is reverted and extended, and waited for', async () => {
  let looks = 0;
  play = ({ method, path }) => {
    if (method === 'POST') return { status: 202 };
    if (path === '/snapshots/s1') return { body: { snapshot } };
    looks += 1;
    const busy = looks % 3 === 2;
    return { body: { volume: { ...volume, status: busy ? 'reverting' : 'available' } } };
  };
  const reverted = await run(['volume', 'revert', 'v1', 's1']);
  assert.match(reverted.out, /^status +available$/m);
  assert.deepEqual(
    [looks, scripted.requests.find(({ method }) => method === 'POST')?.body],
    [3, { revert: { snapshot_id: 's1' } }],
  );
  assert.equal((await run(['volume', 'extend', 'v1', '--size', '5'])).code, 0);
  assert.equal(looks, 6);
  const asked = scripted.requests.filter(({ method }) => method === 'POST');
  assert.deepEqual(asked.at(-1)?.body, { 'os-extend': { new_size: 5 } });
  assert.equal((await run(['volume', 'extend', 'v1'])).code, 2);
});

test('a snapshot is exported, read into a file, and let go', async () => {
  const exports = new ExportRegistry();
  await using server = await servedOver(exports, join(folder, 'nbd.sock'));
  const exportName = 'y'.repeat(32);
  const made = {
    id: 'e1',
    snapshot_id: 's1',
    host: 'one',
    connections: 0,
    uri: 'nbd://127.0.0.1:1/x',
    unix_uri: `nbd+unix:///${exportName}?socket=${server.path}`,
  };
  let all = [made];
  play = ({ method, path }) => {
    if (path === '/snapshots/s1') return { body: { snapshot } };
    if (method === 'POST') return { status: 201, body: { export: made } };
    return method === 'DELETE' ? { status: 204 } : { body: { exports: all } };
  };
  const device = openMemoryDevice({ lengthBytes: 4 * MiB });
  const data = randomBytes(64 * KiB);
  await device.write(MiB, data);
  exports.add(exportName, { readOnly: true, open: async () => readOnlyDevice(device) });
  const target = join(folder, 'snapshot.img');
  const exported = await run(['snapshot', 'export', 's1', target]);
  assert.equal(exported.code, 0, exported.err);
  const image = await readFile(target);
  assert.ok(image.length === 4 * MiB && image.subarray(MiB, MiB + data.length).equals(data));
  assert.equal(scripted.requests.at(-1)?.path, '/firn/v1/snapshots/s1/exports/e1');
  assert.match((await run(['snapshot', 'attach', 's1'])).out, /^uri +nbd:\/\/127\.0\.0\.1:1\/x$/m);
  assert.equal((await run(['snapshot', 'detach', 's1'])).code, 0);
  assert.equal(scripted.requests.at(-1)?.method, 'DELETE');
  all = [made, { ...made, id: 'e2' }];
  const unclear = await run(['snapshot', 'detach', 's1']);
  assert.match(unclear.err, /more than once; choose with --export: e1, e2/);
  assert.equal((await run(['snapshot', 'detach', 's1', '--export', 'e2'])).code, 0);
  assert.equal(scripted.requests.at(-1)?.path, '/firn/v1/snapshots/s1/exports/e2');
  assert.match((await run(['snapshot', 'detach', 's1', '--export', 'e3'])).err, /no export e3/);
  all = [];
  assert.match((await run(['snapshot', 'detach', 's1'])).err, /is not exported/);
});

test('exports of a backup are ended by its name', async () => {
  const backup = { ...backupOf('available'), id: 'b1' };
  const exports = ['e1', 'e2'].map((id) => ({
    id,
    backup_id: 'b1',
    host: null,
    connections: 0,
  }));
  play = ({ method, path }) => {
    if (path === '/backups/b1') return { body: { backup } };
    return method === 'DELETE' ? { status: 204 } : { body: { exports } };
  };
  const ended = await run(['backup', 'unmount', 'b1']);
  assert.equal(ended.code, 0, ended.err);
  assert.match(ended.out, /^2 exports of b1 have ended$/m);
  assert.equal(scripted.requests.at(-1)?.path, '/firn/v1/backups/b1/exports/e2');
});

test('a file goes into a volume and comes back the same, sparse', async () => {
  const exports = new ExportRegistry();
  await using server = await servedOver(exports, join(folder, 'nbd.sock'));
  const device = openMemoryDevice({ lengthBytes: GiB });
  // Both commands see the same bytes: the device outlives a connection.
  const kept = Object.assign(device, { close: async () => undefined });
  const exportName = 'x'.repeat(32);
  exports.add(exportName, { readOnly: false, open: async () => kept });
  const attachment = {
    id: 'a1',
    volume_id: 'v1',
    status: 'attached',
    connection_info: { unix_uri: `nbd+unix:///${exportName}?socket=${server.path}` },
  };
  play = ({ method, path, body }) => {
    if (path.startsWith('/attachments')) return { body: { attachment } };
    if (method === 'POST') return { status: 202, body: { volume: { id: 'v1' } } };
    return isJsonObject(body) ? undefined : { body: { volume } };
  };
  const image = Buffer.alloc(9 * MiB + 123);
  randomBytes(3 * MiB).copy(image, 64 * KiB);
  randomBytes(500).copy(image, image.length - 500);
  const source = join(folder, 'source.img');
  await writeFile(source, image);
  const imported = await run(['volume', 'import', source, '--name', 'disk']);
  assert.deepEqual([imported.code, imported.err.split('\n').length > 1], [0, true], imported.err);
  const target = join(folder, 'target.img');
  const exported = await run(['volume', 'export', 'v1', target]);
  assert.equal(exported.code, 0, exported.err);
  const facts = await stat(target);
  assert.equal(facts.size, GiB);
  assert.ok(facts.blocks * 512 < 16 * MiB, 'holes stay holes');
  const back = (await readFile(target)).subarray(0, image.length);
  assert.ok(back.equals(image));
  const detached = scripted.requests.filter(({ method }) => method === 'DELETE');
  assert.equal(detached.length, 2);
  assert.match((await run(['volume', 'export', 'v1', target])).err, /EEXIST|exist/);
});

async function servedOver(
  exports: ExportRegistry,
  path: string,
): Promise<AsyncDisposable & { path: string }> {
  const server = new NbdServer({ exports });
  await server.listenUnix(path);
  return { path, [Symbol.asyncDispose]: () => server.close() };
}

test('an export that fails leaves no file', async () => {
  play = ({ path }) =>
    path.startsWith('/attachments')
      ? { status: 400, body: { badRequest: { code: 400, message: 'It is attached already' } } }
      : { body: { volume } };
  const path = join(folder, 'none.img');
  const outcome = await run(['volume', 'export', 'v1', path]);
  assert.deepEqual(outcome, { code: 1, out: '', err: 'firn: It is attached already\n' });
  await assert.rejects(stat(path), { code: 'ENOENT' });
});

test('the audit trail is listed page by page, as far as one wants', async () => {
  const line = (id: string) => ({
    id,
    created_at: '2026-01-02T03:04:05.678900',
    request_id: `req-${id}`,
    user_id: 'u',
    user_name: 'ann',
    project_id: 'p',
    address: '127.0.0.1',
    path: '/volume/v3/volumes',
    action: 'volume.create',
    resource_type: 'volume',
    resource_id: 'v1',
    status_code: 202,
  });
  play = ({ method, path }) => {
    if (method !== 'GET' || !path.startsWith('/firn/v1/audit')) return undefined;
    const second = path.includes('marker=a');
    const audit = second ? [line('b')] : [line('a')];
    return { status: 200, body: { audit, ...(second ? {} : { next_marker: 'a' }) } };
  };
  const all = await run(['audit', 'list', '--resource', 'v1']);
  assert.equal(all.code, 0, all.err);
  assert.match(all.out, /^AT +WHO/);
  assert.match(all.out, /2026-01-02T03:04:05 +ann +127.0.0.1 +volume.create +v1 +202 +req-b\n$/);
  assert.ok(scripted.requests.some(({ path }) => path.includes('resource_id=v1')));
  const one = await run(['audit', 'list', '--limit', '1', '--json']);
  assert.deepEqual(
    (JSON.parse(one.out) as { id: string }[]).map(({ id }) => id),
    ['a'],
  );
  assert.equal((await run(['audit', 'list', '--limit', '0'])).code, 2);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openRepositories } from '../backup/repositories.ts';
import { openSqliteCatalog } from '../catalog/sqlite.ts';
import type { JobRow } from '../catalog/tables.ts';
import { openStoreRoot } from '../store/open-root.ts';
import { gatherOptions } from './config-source.ts';
import { readConfig } from './config.ts';
import { examine, type Finding } from './doctor.ts';
import { readKeyFile } from './key-file.ts';

async function patient(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'firn-doctor-'));
  t.after(() => rm(folder, { recursive: true }));
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  await mkdir(join(data, 'backups'));
  const { key } = await readKeyFile(join(data, 'firn.key'), { create: true });
  await (await openSqliteCatalog({ path: join(data, 'catalog.sqlite') })).close();
  const root = openStoreRoot(`file://${data}/backups`);
  const repositories = openRepositories({ root, wrappingKey: key });
  await repositories.open('one', { create: true });
  await repositories.close();
  const look = async (flags: Record<string, string> = {}): Promise<Map<string, Finding>> => {
    const ports = { '--listen': '127.0.0.1:0', '--nbd': '127.0.0.1:0' };
    const source = { flags: { '--data': data, ...ports, ...flags }, environment: {} };
    const findings = await examine(readConfig((await gatherOptions(source)).given));
    // Of several about one thing, the worst is looked at.
    const order = ['good', 'note', 'bad'];
    findings.sort((one, other) => order.indexOf(one.state) - order.indexOf(other.state));
    return new Map(findings.map((finding) => [finding.what, finding]));
  };
  return { data, look };
}

test('what is sound is good, with notes on what could be better', async (t) => {
  const { look } = await patient(t);
  const found = await look();
  for (const what of ['data', 'clock', 'catalogue', 'HTTP', 'NBD']) {
    assert.equal(found.get(what)?.state, 'good', what);
  }
  assert.match(found.get('key')?.advice ?? '', /Keep a copy of it elsewhere/);
  assert.match(found.get('store')?.advice ?? '', /another disk or machine/);
  assert.deepEqual(
    [...found.values()].filter(({ state }) => state === 'bad'),
    [],
  );
});

test('work that waits for others is told', async (t) => {
  const { data, look } = await patient(t);
  const catalog = await openSqliteCatalog({ path: join(data, 'catalog.sqlite') });
  t.after(() => catalog.close());
  const job: JobRow = {
    id: 'job',
    kind: 'repository.prune',
    projectId: 'p',
    subjectId: 'offsite',
    requestId: 'r',
    payload: {},
    state: 'running',
    leaseOwner: 'me',
    leaseExpiresAt: 1,
    attempts: 1,
    bytesDone: 0,
    bytesTotal: 0,
    error: null,
    createdAt: 1,
    updatedAt: 1,
  };
  await catalog.insert('jobs', job);
  assert.equal((await look()).get('work'), undefined);
  const what = 'the backups of the process 12 on vm';
  await catalog.change('jobs', { id: 'job' }, { payload: { waitsFor: what } });
  const told = (await look()).get('work');
  const found = `repository.prune of offsite waits for ${what}`;
  assert.deepEqual([told?.state, told?.found], ['note', found]);
  await catalog.change('jobs', { id: 'job' }, { payload: { waitsFor: null } });
  assert.equal((await look()).get('work'), undefined);
  await catalog.change('jobs', { id: 'job' }, { state: 'done', payload: { waitsFor: what } });
  assert.equal((await look()).get('work'), undefined);
});

test('each fault is bad, and says what to do', async (t) => {
  const { data, look } = await patient(t);
  const bad = async (what: string, advice: RegExp, flags = {}): Promise<void> => {
    const finding = (await look(flags)).get(what);
    assert.equal(finding?.state, 'bad', `${what}: ${finding?.found}`);
    assert.match(finding?.advice ?? '', advice);
  };
  await chmod(data, 0o755);
  await bad('data', /chmod 700/);
  await chmod(data, 0o700);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  await bad('HTTP', /choose another with --listen/, { '--listen': `127.0.0.1:${port}` });
  await bad('store', /name another with --store/, { '--store': 'file:///nonexistent/backups' });
  const catalog = join(data, 'catalog.sqlite');
  const future = new Date(Date.now() + 86_400_000);
  await utimes(catalog, future, future);
  await bad('clock', /Set the clock/);
  for (const wrong of [Buffer.alloc(8192, 1), Buffer.alloc(1), Buffer.alloc(0)]) {
    await writeFile(catalog, wrong);
    await bad('catalogue', /firn repository adopt/);
  }
  const keyPath = join(data, 'firn.key');
  await chmod(keyPath, 0o644);
  await bad('key', /chmod 600/);
  await rm(keyPath);
  await bad('key', /Put the copy of the key back/);
  await readKeyFile(keyPath, { create: true });
  await bad('store', /the key file that these backups were made with/);
});

test('a data folder before its first start is no fault, and has no key yet', async (t) => {
  const { data, look } = await patient(t);
  await mkdir(join(data, 'empty'), { mode: 0o700 });
  const first = await look({ '--data': join(data, 'empty'), '--store': `file://${data}/backups` });
  assert.equal(first.get('key')?.state, 'note');
  assert.match(first.get('key')?.advice ?? '', /first start makes it. If the store has backups/);
  const found = await look({ '--data': join(data, 'new'), '--store': `file://${data}/backups` });
  assert.equal(found.get('data')?.state, 'note');
});

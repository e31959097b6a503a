/**
 * `npm run bench:api`: Block Storage over HTTP, with a catalogue of 100 and of 100,000 volumes, by
 * one client and by 32, and while a backup runs. With 32 clients the service has one core, and they
 * have the others.
 *
 * Usage: npm run bench:api -- [--seconds 2] [--volumes 100000] [--only PATTERN]
 */
import { randomFillSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startFirn } from '../demo/firn-process.ts';
import { newId } from '../src/base/ids.ts';
import { must } from '../src/base/assert.ts';
import { MiB } from '../src/base/bytes.ts';
import { everyProject } from '../src/catalog/catalog.ts';
import { sampleVolume } from '../src/catalog/sample-rows.ts';
import { openSqliteCatalog } from '../src/catalog/sqlite.ts';
import { ApiLoad, type Figures, type Request } from './api-load.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    volumes: { type: 'string', default: '100000' },
    only: { type: 'string', default: '' },
  },
});
const seconds = Number(values.seconds);
const many = Number(values.volumes);
const few = 100;
const backedUpBytes = 512 * MiB;

interface Case {
  readonly name: string;
  readonly request: (ids: Ids, load: ApiLoad) => Request;
}

/** What the requests are about. */
interface Ids {
  /** One of the volumes that are only in the catalogue. */
  readonly volume: string;
  /** A volume that there is. */
  readonly real: string;
}

const get = (path: string): Request => ({ method: 'GET', path: `/volume/v3${path}` });

const everyCase: readonly Case[] = [
  { name: 'issue a token', request: (_ids, load) => load.login() },
  { name: '20 volumes in detail', request: () => get('/volumes/detail?limit=20') },
  { name: '1,000 volumes in detail', request: () => get('/volumes/detail?limit=1000') },
  {
    name: '20 volumes after the middle',
    request: ({ volume }) => get(`/volumes/detail?limit=20&marker=${volume}`),
  },
  { name: '20 volumes by status', request: () => get('/volumes/detail?limit=20&status=error') },
  { name: 'a volume by name', request: () => get('/volumes/detail?name=disk-50') },
  { name: 'one volume', request: ({ volume }) => get(`/volumes/${volume}`) },
  {
    name: 'create a snapshot',
    request: ({ real }) => ({
      method: 'POST',
      path: '/volume/v3/snapshots',
      body: JSON.stringify({ snapshot: { volume_id: real, name: 'bench' } }),
    }),
  },
];
const cases = everyCase.filter(({ name }) => name.includes(values.only));

const folder = await mkdtemp(join(tmpdir(), 'firn-bench-api-'));
const dataFolder = join(folder, 'data');
const disks = join(folder, 'disks');
const args = ['--volumes-manage-folder', disks, '--http-rate', '0', '--http-login-rate', '0'];
try {
  await mkdir(disks);
  await writeFile(join(disks, 'disk.raw'), randomFillSync(Buffer.alloc(backedUpBytes)));
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}`;
  process.stdout.write(`${machine}; load ${loadavg()[0]?.toFixed(1)}; ${seconds} s a row\n\n`);
  process.stdout.write(
    '| request | volumes | clients | p50 ms | p99 ms | requests/s | CPU ms each |\n',
  );
  process.stdout.write('|---|---:|---:|---:|---:|---:|---:|\n');
  await (await startFirn(dataFolder, args)).stop();
  for (const count of [few, many]) {
    const volume = await fill(count);
    const firn = await startFirn(dataFolder, args);
    const load = await ApiLoad.open(dataFolder, firn.pid);
    await measureAll(load, count, volume);
    load.close();
    await firn.stop();
  }
} finally {
  await rm(folder, { recursive: true });
}

/** Brings the catalogue to so many volumes; resolves with the id of one in the middle. */
async function fill(count: number): Promise<string> {
  const catalog = await openSqliteCatalog({ path: join(dataFolder, 'catalog.sqlite') });
  const [project] = await catalog.list('projects', { where: { name: 'admin' }, limit: 1 });
  const [type] = await catalog.list('volumeTypes', { where: {}, limit: 1 });
  const ids = Array.from({ length: count }, newId);
  await catalog.transact(async (transaction) => {
    await transaction.remove('volumes', { projectId: everyProject, userId: 'user' });
    for (const [index, id] of ids.entries()) {
      const row = sampleVolume({
        id,
        projectId: must(project, 'the project').id,
        volumeTypeId: must(type, 'the type').id,
        name: `disk-${index}`,
        status: index % 1000 === 7 ? 'error' : 'available',
        metadata: { tier: 'gold' },
        createdAt: 1_700_000_000_000 + index,
      });
      await transaction.insert('volumes', row);
    }
  });
  await catalog.close();
  return must(ids[Math.floor(count / 2)], 'a volume in the middle');
}

async function measureAll(load: ApiLoad, count: number, volume: string): Promise<void> {
  await load.unlimit();
  const real = await load.makeVolume({ size: 1, name: 'real' });
  const ids = { volume, real };
  for (const clients of [1, 32]) {
    if (clients > 1) load.pin(true);
    for (const each of cases) await measure(load, each, ids, { count, clients, beside: '' });
    load.pin(false);
  }
  if (count === many) {
    await load.adopt('disk.raw');
    const backup = load.backUp('disk.raw');
    for (const each of cases.filter(({ name }) => /^(?:20 volumes in|one)/.test(name))) {
      const beside = ', while a backup runs';
      await measure(load, each, ids, { count, clients: 1, beside });
    }
    process.stdout.write(`\nThe backup of ${backedUpBytes / MiB} MiB took ${await backup} s.\n`);
  }
}

async function measure(
  load: ApiLoad,
  { name, request: requestFor }: Case,
  ids: Ids,
  { count, clients, beside }: { count: number; clients: number; beside: string },
): Promise<void> {
  const request = requestFor(ids, load);
  await load.run(request, { clients, seconds: seconds / 4 });
  const figures: Figures = await load.run(request, { clients, seconds });
  const cells = [
    name + beside,
    count.toLocaleString('en'),
    clients,
    figures.p50Ms.toFixed(2),
    figures.p99Ms.toFixed(2),
    Math.round(figures.perSecond),
    figures.cpuMs.toFixed(2),
  ];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

/**
 * The main job of Firn, start to finish, on real data: a volume, a snapshot, a backup, an
 * incremental one, the loss of everything but the backups and their key, and a restore that is
 * proven by hash.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { assert } from '../src/base/assert.ts';
import { formatBytes, GiB, KiB, MiB } from '../src/base/bytes.ts';
import { monotonicMs } from '../src/base/clock.ts';
import { isOperatingError, messageOf, OperatingError } from '../src/base/errors.ts';
import { Client } from '../src/client/client.ts';
import { cloudFromYaml } from '../src/client/cloud.ts';
import { waitForStatus } from '../src/client/wait.ts';
import { fill, hashDisk, scribble, withDisk } from './disk.ts';
import { type FirnProcess, startFirn } from './firn-process.ts';
import { seeded } from './random.ts';
import { line, note, ProgressBar, table, title } from './screen.ts';

const volumeGiB = 4;
const dataBytesMax = 768 * MiB;
const dataBytesMin = 500 * MiB;
const sectorBytes = 4 * KiB;
/** What the volumes, the packs and both restored volumes take, with some air. */
const freeBytesMin = 5 * GiB;

interface Timed<T> {
  readonly value: T;
  readonly seconds: number;
}

interface BackupFigures {
  readonly seconds: number;
  readonly bytesRead: number;
  readonly bytesStored: number;
}

async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const started = monotonicMs();
  const value = await work();
  return { value, seconds: (monotonicMs() - started) / 1000 };
}

function connect(firn: FirnProcess): Client {
  const path = join(firn.dataFolder, 'clouds.yaml');
  return new Client(cloudFromYaml(readFileSync(path, 'utf8'), path));
}

async function makeVolume(client: Client, name: string): Promise<string> {
  const id = await client.volumes.create({ name, size: volumeGiB });
  const look = () => client.volumes.show(id);
  await waitForStatus({ look, until: 'available', what: `volume ${name}` });
  return id;
}

async function takeSnapshot(client: Client, volumeId: string, name: string): Promise<string> {
  const id = await client.snapshots.create({ volume_id: volumeId, name, force: true });
  const look = () => client.snapshots.show(id);
  await waitForStatus({ look, until: 'available', what: `snapshot ${name}` });
  return id;
}

/** Backs a snapshot up and shows how far it is; writes go on meanwhile. */
async function backUp(
  client: Client,
  facts: { volume_id: string; snapshot_id: string; name: string; incremental: boolean },
): Promise<{ id: string; figures: BackupFigures }> {
  const bar = new ProgressBar(facts.name);
  const started = monotonicMs();
  const id = await client.backups.create(facts);
  await waitForStatus({
    look: () => client.backups.show(id),
    until: 'available',
    what: `backup ${facts.name}`,
    onLook: async () => {
      const { bytes_done: bytesDone, bytes_total: bytesTotal } = await client.backupProgress(id);
      bar.draw({ bytesDone, bytesTotal, seconds: (monotonicMs() - started) / 1000 });
    },
  });
  bar.end();
  const seconds = (monotonicMs() - started) / 1000;
  const { bytes_total: bytesRead, bytes_stored: bytesStored } = await client.backupProgress(id);
  line(
    `available after ${seconds.toFixed(1)} s: read ${formatBytes(bytesRead)} ` +
      `of ${volumeGiB} GiB, stored ${formatBytes(bytesStored)}`,
  );
  return { id, figures: { seconds, bytesRead, bytesStored } };
}

async function restore(client: Client, backupId: string, name: string): Promise<Timed<string>> {
  return await timed(async () => {
    const { volumeId } = await client.restore(backupId, { name });
    const look = () => client.volumes.show(volumeId);
    await waitForStatus({ look, until: 'available', what: `volume ${name}` });
    return volumeId;
  });
}

/** What the first life of the demo leaves behind, beside the store and the key. */
interface Made {
  readonly dataBytes: number;
  readonly fillSeconds: number;
  readonly snapshotSeconds: number;
  readonly changedBytes: number;
  readonly full: { id: string; hash: string; figures: BackupFigures };
  readonly second: { id: string; hash: string; figures: BackupFigures };
}

async function makeBackups(client: Client): Promise<Made> {
  title(`1. A volume of ${volumeGiB} GiB, filled over NBD with the files of this machine`);
  const volumeId = await makeVolume(client, 'demo');
  return await withDisk(client, volumeId, async (disk) => {
    const bar = new ProgressBar('writing');
    const started = monotonicMs();
    const filled = await timed(() =>
      fill(disk, dataBytesMax, (bytesDone) => {
        const seconds = (monotonicMs() - started) / 1000;
        bar.draw({ bytesDone, bytesTotal: dataBytesMax, seconds });
      }),
    );
    bar.end();
    const dataBytes = filled.value;
    if (dataBytes < dataBytesMin) {
      note(`this machine has only ${formatBytes(dataBytes)} of files that may be read`);
    }
    line(`wrote ${formatBytes(dataBytes)} in ${filled.seconds.toFixed(1)} s`);
    const random = seeded(20_260);
    const count = Math.floor(dataBytes / sectorBytes / 100);

    title('2. A snapshot, and a backup of it while the guest goes on writing');
    const hash = await hashDisk(disk);
    const first = await timed(() => takeSnapshot(client, volumeId, 'before'));
    line(`snapshot "before" taken in ${Math.round(first.seconds * 1000)} ms`);
    const source = { volume_id: volumeId, snapshot_id: first.value };
    const [full] = await Promise.all([
      backUp(client, { ...source, name: 'full', incremental: false }),
      scribble(disk, { bytes: dataBytes, count, random }),
    ]);

    title('3. 1 % of the data is different now, in random 4 KiB writes: a second backup');
    const secondHash = await hashDisk(disk);
    const snapshotId = await takeSnapshot(client, volumeId, 'after');
    const again = { volume_id: volumeId, snapshot_id: snapshotId };
    const second = await backUp(client, { ...again, name: 'second', incremental: true });
    return {
      dataBytes,
      fillSeconds: filled.seconds,
      snapshotSeconds: first.seconds,
      changedBytes: count * sectorBytes,
      full: { ...full, hash },
      second: { ...second, hash: secondHash },
    };
  });
}

/** Restores one backup and proves it; returns the seconds that the restore took. */
async function prove(client: Client, name: string, backup: Made['full']): Promise<number> {
  const restored = await restore(client, backup.id, `restored-${name}`);
  const hash = await withDisk(client, restored.value, hashDisk);
  assert(hash === backup.hash, `the restored volume is the snapshot behind "${name}"`);
  line(`"${name}" restored in ${restored.seconds.toFixed(1)} s`);
  line(`  snapshot  sha256 ${backup.hash}`);
  line(`  restored  sha256 ${hash}  ✔ the same`);
  return restored.seconds;
}

function showFigures(made: Made, restoreSeconds: readonly number[], peakBytes: number): void {
  const rate = (bytes: number, seconds: number): string => (bytes / 1e6 / seconds).toFixed(0);
  const row = (name: string, seconds: number, read: number, stored?: number): string[] => [
    name,
    seconds.toFixed(2),
    read === 0 ? '–' : rate(read, seconds),
    read === 0 ? '–' : formatBytes(read),
    stored === undefined ? '–' : formatBytes(stored),
    stored === undefined ? '–' : `${(read / stored).toFixed(2)}×`,
  ];
  const { full, second } = made;
  const of = ({ figures }: Made['full']) =>
    [figures.seconds, figures.bytesRead, figures.bytesStored] as const;
  table(
    ['step', 'seconds', 'MB/s', 'bytes read', 'bytes stored', 'dedup and compression'],
    [
      row('write over NBD', made.fillSeconds, made.dataBytes),
      row('snapshot', made.snapshotSeconds, 0),
      row('backup, full', ...of(full)),
      row(`backup, ${formatBytes(made.changedBytes)} changed`, ...of(second)),
      row('restore, full', restoreSeconds[0] ?? 0, full.figures.bytesRead),
      row('restore, second', restoreSeconds[1] ?? 0, full.figures.bytesRead),
    ],
  );
  if (peakBytes > 0) line(`\n  Firn's memory, at most: ${formatBytes(peakBytes)}`);
}

async function demo(folder: string): Promise<void> {
  const dataFolder = join(folder, 'data');
  const keptStore = join(folder, 'secondary-storage');
  const keptKey = join(folder, 'firn.key');
  const kept = ['--store', pathToFileURL(keptStore).href, '--key-file', keptKey];

  title('Firn: a snapshot becomes a proven backup');
  note(`everything lies in ${folder} and is removed at the end`);
  const first = await startFirn(dataFolder, kept);
  let peakBytes = 0;
  let made: Made;
  try {
    made = await makeBackups(connect(first));
    peakBytes = first.peakMemoryBytes();
  } finally {
    await first.kill();
  }

  title('4. Everything is lost: the volume, its snapshots and the catalogue');
  await rm(dataFolder, { recursive: true });
  line(`removed ${dataFolder}; what is left are the backups and their key`);

  const second = await startFirn(`${dataFolder}-new`, kept);
  try {
    const client = connect(second);
    title('5. A new Firn adopts the repository and restores');
    const adopted = await client.adopt({ takeOver: true });
    line(`adopted ${adopted.adopted.length} backups`);
    const seconds = [
      await prove(client, 'full', made.full),
      await prove(client, 'second', made.second),
    ];
    showFigures(made, seconds, Math.max(peakBytes, second.peakMemoryBytes()));
  } finally {
    await second.stop();
  }
}

async function main(): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir());
  if (bavail * bsize < freeBytesMin) {
    const free = formatBytes(bavail * bsize);
    throw new OperatingError('no_space', `${tmpdir()} has ${free} free; the demo needs 5 GiB`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'firn-demo-'));
  const clear = (): Promise<void> => rm(folder, { recursive: true, force: true });
  process.once('SIGINT', () => void clear().finally(() => process.exit(130)));
  try {
    await demo(folder);
  } finally {
    await clear();
  }
  line('\n  Every byte is back. Next: npm start\n');
}

try {
  await main();
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${messageOf(error)}\n`);
  if (!isOperatingError(error) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
}

/** The peers, each as its own documentation tells to use it for a disk image, with zstd. */
import { existsSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from '../src/base/assert.ts';
import { monotonicMs } from '../src/base/clock.ts';
import { diskBytes, run } from './command.ts';
import type { Contender, Image, Step, Write } from './contender.ts';
import { applyWrites, hashFile } from './image.ts';

/** The peers that are installed. */
export function installedPeers(folder: string): Contender[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const has = (command: string): boolean => folders.some((path) => existsSync(join(path, command)));
  return [
    ...(has('restic') ? [restic(join(folder, 'restic'))] : []),
    ...(has('borg') ? [borg(join(folder, 'borg'))] : []),
    ...(has('qemu-img') ? [qemu(join(folder, 'qemu'))] : []),
    ...(hasCinder() ? [cinder(join(folder, 'cinder'))] : []),
    ...(has('openssl') && has('zstd') ? [bound(join(folder, 'bound'))] : []),
  ];
}

/** What differs between one peer that copies an image file and another. */
interface ImageTool {
  readonly name: string;
  readonly env: Record<string, string>;
  readonly init: readonly string[] | undefined;
  /**
   * The command that backs the image up, and again after changes. `dataBytes` of it hold data.
   */
  backup(image: string, run: number, dataBytes: number): readonly string[];
  /** True when a second backup is a full copy again. */
  readonly fullOnly: boolean;
  /**
   * The command that restores the newest backup into the current folder, and where it lies then.
   */
  restore(image: string, run: number): { command: readonly string[]; path: string };
}

function imageContender(folder: string, tool: ImageTool): Contender {
  const repository = join(folder, 'repository');
  const out = join(folder, 'out');
  let image: Image | undefined;
  let restored = '';
  let runs = 0;
  const given = (): Image => {
    assert(image !== undefined, 'prepare was called');
    return image;
  };
  const path = (): string => given().path;
  const timed = async ([command = '', ...args]: readonly string[], cwd: string): Promise<Step> => {
    const { seconds, peakBytes } = await run(command, args, { cwd, env: tool.env });
    return { seconds, peakBytes, storedBytes: diskBytes(repository) };
  };
  const again = (): Promise<Step> =>
    timed(tool.backup(path(), (runs += 1), given().dataBytes), repository);
  return {
    name: tool.name,
    async prepare(wanted) {
      image = { ...wanted, path: join(folder, 'disk.raw') };
      runs = 0;
      await rm(folder, { recursive: true, force: true });
      await mkdir(repository, { recursive: true });
      await run('cp', ['--sparse=always', wanted.path, image.path]);
      if (tool.init !== undefined) await timed(tool.init, repository);
    },
    full: again,
    change: (writes: readonly Write[]) => applyWrites(path(), writes),
    incremental: async () => (tool.fullOnly ? undefined : again()),
    unchanged: async () => (tool.fullOnly ? undefined : again()),
    async restore() {
      await rm(out, { recursive: true, force: true });
      await mkdir(out);
      const { command, path: place } = tool.restore(path(), runs);
      restored = join(out, place);
      const copied = await timed(command, out);
      return { ...copied, seconds: copied.seconds + (await syncSeconds(restored)) };
    },
    snapshot: async () => undefined,
    async check() {
      if (tool.fullOnly) return;
      const equal = (await hashFile(restored)) === (await hashFile(path()));
      assert(equal, `${tool.name} restored the image`);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Firn's restore ends when the disk has it all; so does everybody's. */
async function syncSeconds(path: string): Promise<number> {
  const started = monotonicMs();
  const handle = await open(path);
  await handle.sync();
  await handle.close();
  return (monotonicMs() - started) / 1000;
}

function restic(folder: string): Contender {
  const env = {
    RESTIC_REPOSITORY: join(folder, 'repository', 'r'),
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: join(folder, 'cache'),
  };
  return imageContender(folder, {
    name: 'restic (compression auto)',
    env,
    init: ['restic', 'init'],
    fullOnly: false,
    backup: (image) => ['restic', 'backup', '--force', image],
    restore: (image) => ({
      command: ['restic', 'restore', 'latest', '--target', '.'],
      path: image.slice(1),
    }),
  });
}

function borg(folder: string): Contender {
  const repository = join(folder, 'repository', 'r');
  const env = {
    BORG_REPO: repository,
    BORG_PASSPHRASE: 'bench',
    BORG_BASE_DIR: folder,
    BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
  };
  const files = ['--files-cache=disabled', '--chunker-params', 'fixed,65536'];
  return imageContender(folder, {
    name: 'borg (fixed 64 KiB, zstd 1)',
    env,
    init: ['borg', 'init', '--encryption=repokey'],
    fullOnly: false,
    backup: (image, n) => ['borg', 'create', '-C', 'zstd,1', ...files, `::${n}`, image],
    restore: (image, n) => ({
      command: ['borg', 'extract', '--sparse', `::${n}`],
      path: image.slice(1),
    }),
  });
}

function qemu(folder: string): Contender {
  const target = join(folder, 'repository', 'disk.qcow2');
  const zstd = ['-c', '-O', 'qcow2', '-o', 'compression_type=zstd'];
  return imageContender(folder, {
    name: 'qemu-img convert -c (zstd, no encryption)',
    env: {},
    init: undefined,
    fullOnly: true,
    backup: (image) => ['qemu-img', 'convert', ...zstd, image, target],
    restore: () => ({
      command: ['qemu-img', 'convert', '-O', 'raw', target, 'disk.raw'],
      path: 'disk.raw',
    }),
  });
}

/** Whether Debian's package of Cinder is there, for Debian's Python. */
function hasCinder(): boolean {
  return existsSync('/usr/lib/python3/dist-packages/cinder/backup/chunkeddriver.py');
}

/** Cinder's own driver, as its backup service calls it; it neither encrypts nor checks. */
function cinder(folder: string): Contender {
  const repository = join(folder, 'repository');
  const script = fileURLToPath(new URL('cinder_disk.py', import.meta.url));
  const command = (verb: string, image: string, n: number): readonly string[] => [
    '/usr/bin/python3',
    script,
    verb,
    repository,
    image,
    String(n),
  ];
  return imageContender(folder, {
    name: 'Cinder (chunked posix driver, zstd, 50 MiB objects)',
    env: {},
    init: undefined,
    fullOnly: false,
    backup: (image, n) => command('backup', image, n),
    restore: (_image, n) => ({ command: command('restore', 'disk.raw', n), path: 'disk.raw' }),
  });
}

/**
 * What no backup does without: a SHA-256 of all data (OpenSSL's, which uses the processor's own
 * instructions) and zstd level 1 on two threads, beside each other, until it is on the disk.
 */
function bound(folder: string): Contender {
  const target = join(folder, 'repository', 'disk.zst');
  return imageContender(folder, {
    name: 'bound: openssl sha256 and zstd -1 -T2',
    env: {},
    init: undefined,
    fullOnly: true,
    backup: (image, _run, dataBytes) => [
      'sh',
      '-c',
      'head -c "$2" "$1" | openssl dgst -sha256 > /dev/null & ' +
        'head -c "$2" "$1" | zstd -1 -T2 -q -f -o "$3"; wait; sync "$3"',
      'sh',
      image,
      String(dataBytes),
      target,
    ],
    restore: () => ({ command: ['zstd', '-d', '-q', target, '-o', 'disk.raw'], path: 'disk.raw' }),
  });
}

/**
 * The kernel of a guest: Debian's cloud kernel, unpacked and not installed, so that no boot loader
 * of this machine is touched. It is kept in `node_modules/.cache` for later runs.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { must } from '../../src/base/assert.ts';
import { root } from '../source-files.ts';

const cache = join(root, 'node_modules', '.cache', 'guest-kernel');

/** The package that always names the newest kernel. */
export const kernelPackage = 'linux-image-cloud-amd64';

/** What a guest needs to find its disk, in the order of their dependencies. */
const modules = [
  'virtio_ring',
  'virtio',
  'virtio_pci_modern_dev',
  'virtio_pci_legacy_dev',
  'virtio_pci',
  'virtio_blk',
];

export interface GuestKernel {
  readonly image: string;
  /** Modules that are not built in, in the order in which they are to be loaded. */
  readonly modules: readonly string[];
}

/** The kernel that is there, or undefined. */
export function findGuestKernel(): GuestKernel | undefined {
  const image = globSync(join(cache, '*', '**', 'vmlinuz-*'))
    .sort()
    .at(-1);
  if (image === undefined) return undefined;
  const folder = dirname(dirname(image));
  return {
    image,
    modules: modules.flatMap((name) => globSync(join(folder, '**', `${name}.ko*`)).slice(0, 1)),
  };
}

/** Downloads and unpacks the kernel; true when it is there afterwards. Needs no privileges. */
export function fetchGuestKernel(): boolean {
  if (!existsSync('/usr/bin/apt-get')) return false;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, '.unpacking-'));
  try {
    const depends = run('apt-cache', ['depends', '--important', kernelPackage], folder);
    const name = must(/Depends: (linux-image-\S+)/.exec(depends)?.[1], 'the newest kernel');
    run('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', name], folder);
    const [archive] = globSync(join(folder, '*.deb'));
    const unpacked = join(folder, 'unpacked');
    mkdirSync(unpacked);
    const wanted = `'*/vmlinuz-*' '*/drivers/virtio/*' '*/drivers/block/*'`;
    const script = `dpkg-deb --fsys-tarfile "$0" | tar -x --wildcards ${wanted}`;
    run('bash', ['-o', 'pipefail', '-c', script, must(archive, 'the package')], unpacked);
    const target = join(cache, name);
    rmSync(target, { recursive: true, force: true });
    renameSync(unpacked, target);
    return true;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The initramfs of a guest: a static shell, mke2fs with its libraries, modules for its disk. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { must } from '../../src/base/assert.ts';
import { needs } from '../peer.ts';
import { findGuestKernel, kernelPackage, type GuestKernel } from './guest-kernel.ts';

/** Programs on this machine that a guest and the look at its disk take. */
const programs = ['qemu-system-x86_64', 'qemu-img', 'busybox', 'mke2fs', 'e2fsck', 'debugfs'];

export interface GuestImage {
  readonly kernel: string;
  readonly initramfs: string;
}

/** The options of a test that boots a guest. */
export function needsGuest(): { skip?: string } {
  if (process.arch !== 'x64') return { skip: `the guest's programs are those of ${process.arch}` };
  if (findGuestKernel() === undefined && process.env['CI'] !== 'true') {
    return { skip: `not unpacked: ${kernelPackage}, which npm test does` };
  }
  return needs(...programs);
}

/** Makes an initramfs in `folder` from programs of this machine. */
export function makeGuestImage(folder: string): GuestImage {
  const kernel = must(findGuestKernel(), 'the kernel of the guest');
  const tree = join(folder, 'initramfs');
  const emptyFolders = ['proc', 'sys', 'dev', 'mnt', 'etc', 'lib/modules'];
  for (const name of emptyFolders) mkdirSync(join(tree, name), { recursive: true });
  const init = join(dirname(fileURLToPath(import.meta.url)), 'guest-init.sh');
  copyFileSync(init, join(tree, 'init'));
  installProgram(tree, 'busybox', '/bin/busybox');
  installProgram(tree, 'mke2fs', '/usr/sbin/mke2fs');
  if (existsSync('/etc/mke2fs.conf'))
    copyFileSync('/etc/mke2fs.conf', join(tree, 'etc/mke2fs.conf'));
  installModules(tree, kernel);
  const shell = 'chmod 755 init && find . | busybox cpio -o -H newc 2>/dev/null';
  const archive = execFileSync('bash', ['-c', shell], { cwd: tree, maxBuffer: 2 ** 28 });
  const initramfs = join(folder, 'initramfs.gz');
  writeFileSync(initramfs, gzipSync(archive, { level: 1 }));
  return { kernel: kernel.image, initramfs };
}

/** Copies a program, and the shared libraries that it needs under their own paths. */
function installProgram(tree: string, name: string, path: string): void {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const source = folders.map((folder) => join(folder, name)).find((place) => existsSync(place));
  copyTo(tree, must(source, name), path);
  const { stdout } = spawnSync('ldd', [must(source, name)], { encoding: 'utf8' });
  for (const [library] of stdout.matchAll(/\/\S+(?= \(0x)/g)) copyTo(tree, library, library);
}

function copyTo(tree: string, source: string, path: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  copyFileSync(source, join(tree, path));
}

/** Names begin with a number, so that the order of names is the order of loading. */
function installModules(tree: string, kernel: GuestKernel): void {
  for (const [index, source] of kernel.modules.entries()) {
    const target = join(tree, 'lib', 'modules', `${index}.ko`);
    if (!source.endsWith('.xz')) copyFileSync(source, target);
    else writeFileSync(target, execFileSync('busybox', ['unxz', '-c', source]));
  }
}

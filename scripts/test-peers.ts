/** The programs that the tests run against, which come from Debian's packages. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fetchGuestKernel, findGuestKernel, kernelPackage } from '../test/interop/guest-kernel.ts';

interface Peer {
  readonly debianPackage: string;
  /** What shows that it is there: a command, or a pattern of files. */
  readonly command?: string;
  readonly files?: string;
}

/** The guest is a PC, and its programs are those of this machine. */
const hasGuest = process.arch === 'x64';

const guestPeers: readonly Peer[] = [
  { debianPackage: 'qemu-system-x86', command: 'qemu-system-x86_64' },
  { debianPackage: 'busybox-static', command: 'busybox' },
];

const peers: readonly Peer[] = [
  { debianPackage: 'python3-openstackclient', command: 'openstack' },
  { debianPackage: 'keystone', command: 'keystone-manage' },
  { debianPackage: 'qemu-utils', command: 'qemu-img' },
  { debianPackage: 'libnbd-bin', command: 'nbdcopy' },
  { debianPackage: 'fio', command: 'fio' },
  { debianPackage: 'prometheus', command: 'promtool' },
  { debianPackage: 'curl', command: 'curl' },
  { debianPackage: 'chromium', command: 'chromium' },
  { debianPackage: 'swift-proxy', command: 'swift-proxy-server' },
  { debianPackage: 'swift-account', command: 'swift-account-server' },
  { debianPackage: 'swift-container', command: 'swift-container-server' },
  { debianPackage: 'swift-object', command: 'swift-object-server' },
  { debianPackage: 'ceph-mon', command: 'ceph-mon' },
  { debianPackage: 'ceph-osd', command: 'ceph-osd' },
  { debianPackage: 'ceph-common', command: 'ceph' },
  { debianPackage: 'radosgw', command: 'radosgw' },
  { debianPackage: 'fuse3', command: 'fusermount3' },
  { debianPackage: 'e2fsprogs', command: 'debugfs' },
  { debianPackage: 'dosfstools', command: 'mkfs.fat' },
  { debianPackage: 'xfsprogs', command: 'mkfs.xfs' },
  { debianPackage: 'btrfs-progs', command: 'mkfs.btrfs' },
  { debianPackage: 'python3', command: 'python3' },
  { debianPackage: 'zstd', command: 'zstd' },
  {
    debianPackage: 'python3-cryptography',
    files: '/usr/lib/python3/dist-packages/cryptography/__init__.py',
  },
  { debianPackage: 'python3-cinder', files: '/usr/lib/python3/dist-packages/cinder/backup/*.py' },
  { debianPackage: 'bzip2', command: 'bzip2' },
  { debianPackage: 'postgresql', files: '/usr/lib/postgresql/*/bin/initdb' },
  ...(hasGuest ? guestPeers : []),
];

function isPresent(peer: Peer): boolean {
  if (peer.files !== undefined) return globSync(peer.files).length > 0;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, peer.command ?? '')));
}

function aptGet(args: readonly string[]): boolean {
  const outcome = spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return outcome.status === 0;
}

/**
 * Installs the peers that are missing, where this user may, unpacks the kernel of the guest, and
 * returns the packages that are still missing afterwards.
 */
export function installPeers(): string[] {
  const missing = peers.filter((peer) => !isPresent(peer)).map((peer) => peer.debianPackage);
  if (missing.length > 0 && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    process.stdout.write(`Installing ${missing.join(', ')} …\n`);
    const install = ['install', '-y', '-q', '--no-install-recommends', ...missing];
    if (!aptGet(install)) {
      aptGet(['update', '-q']);
      aptGet(install);
    }
  }
  const absent = peers.filter((peer) => !isPresent(peer)).map((peer) => peer.debianPackage);
  return hasKernel() ? absent : [...absent, kernelPackage];
}

/** The kernel is unpacked for the guest alone, never installed on this machine. */
function hasKernel(): boolean {
  if (!hasGuest || findGuestKernel() !== undefined) return true;
  process.stdout.write(`Unpacking ${kernelPackage} …\n`);
  if (fetchGuestKernel()) return true;
  return process.getuid?.() === 0 && aptGet(['update', '-q']) && fetchGuestKernel();
}

/** The programs that the tests run against, which come from Debian's packages. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Peer {
  readonly debianPackage: string;
  /** What shows that it is there: a command, or a pattern of files. */
  readonly command?: string;
  readonly files?: string;
}

const peers: readonly Peer[] = [
  { debianPackage: 'python3-openstackclient', command: 'openstack' },
  { debianPackage: 'qemu-utils', command: 'qemu-img' },
  { debianPackage: 'libnbd-bin', command: 'nbdcopy' },
  { debianPackage: 'fio', command: 'fio' },
  { debianPackage: 'postgresql', files: '/usr/lib/postgresql/*/bin/initdb' },
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
 * Installs the peers that are missing, where this user may, and returns the packages that are still
 * missing afterwards.
 */
export function installPeers(): string[] {
  const missing = peers.filter((peer) => !isPresent(peer)).map((peer) => peer.debianPackage);
  if (missing.length === 0) return [];
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    process.stdout.write(`Installing ${missing.join(', ')} …\n`);
    const install = ['install', '-y', '-q', '--no-install-recommends', ...missing];
    if (!aptGet(install)) {
      aptGet(['update', '-q']);
      aptGet(install);
    }
  }
  return peers.filter((peer) => !isPresent(peer)).map((peer) => peer.debianPackage);
}

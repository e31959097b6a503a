/** The guide, word for word: every command in it is typed into a shell with the real client. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startFirn } from '../../demo/firn-process.ts';
import { needs } from '../peer.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The lines that the guide tells its reader to type. */
function commandsOf(markdown: string): string[] {
  const blocks = markdown.matchAll(/^ *```console\n([\s\S]*?)^ *```/gm);
  return [...blocks]
    .flatMap((block) => (block[1] ?? '').split('\n'))
    .map((line) => line.trim())
    .filter((line) => line.startsWith('$ '))
    .map((line) => line.slice(2));
}

/**
 * The client's release 6.0 fails when it prints the answer to a restore that has begun; see the
 * guide.
 */
function excused(command: string): string {
  return `said=$(${command} 2>&1) || grep -q 'VolumeBackupsRestore object' <<<"$said"`;
}

/**
 * As a reader types it; where the guide says to watch a status, it is looked at until it has
 * settled.
 */
function typed(command: string): string {
  const say = `echo ${JSON.stringify(`$ ${command}`).replaceAll('$', '\\$')}`;
  if (command.includes('backup restore')) return `${say}\n${excused(command)}`;
  if (!command.endsWith('-c status')) return `${say}\n${command}`;
  const settled = `grep -qxE 'available|error.*'`;
  const wait = `for try in $(seq 30); do ${command} -f value | ${settled} && break; done`;
  return `${say}\n${wait}\nstatus=$(${command} -f value)\necho $status\n[ $status = available ]`;
}

test('the guide works word for word', needs('openstack'), async () => {
  const markdown = await readFile(join(root, 'docs/guide/backup-from-snapshot.md'), 'utf8');
  const commands = commandsOf(markdown);
  assert.ok(commands.length >= 15, 'the commands were found');
  const folder = await mkdtemp(join(tmpdir(), 'firn-guide-'));
  const firn = await startFirn(join(folder, 'firn-data'));
  try {
    const script = ['set -e -o pipefail', ...commands.map(typed)].join('\n');
    const shell = spawnSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' });
    assert.equal(shell.status, 0, `${shell.stdout}\n${shell.stderr}\n${firn.output()}`);
  } finally {
    await firn.stop();
    await rm(folder, { recursive: true });
  }
});

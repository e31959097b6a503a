/** A guest's disk, looked at from outside: no mount, no privileges. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How many of the newest files a guest keeps; see guest-init.sh. */
const keptFiles = 32;

interface Outcome {
  readonly code: number | null;
  /** Standard output and standard error. */
  readonly said: string;
}

/** Runs a program to its end. */
export async function runProgram(command: string, args: readonly string[]): Promise<Outcome> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, said };
}

/** Copies what is served at `uri` into a raw image. */
export async function copyDisk(uri: string, image: string): Promise<void> {
  const formats = ['-f', 'raw', '-O', 'raw'];
  const { code, said } = await runProgram('qemu-img', ['convert', ...formats, uri, image]);
  assert.equal(code, 0, said);
}

/**
 * Does what a kernel does when it mounts a disk after a power cut: the journal is replayed, and
 * files that were being removed are removed. Nothing else is looked at or repaired (no `-f`).
 */
export async function replayJournal(image: string): Promise<void> {
  const { code, said } = await runProgram('e2fsck', ['-p', image]);
  assert.ok(code === 0 || code === 1, `e2fsck -p: ${code}: ${said}`);
  assert.match(said, /recovering journal/, 'the file system was in use');
}

/** Fails when a full check finds anything at all. */
export async function assertClean(image: string): Promise<void> {
  const { code, said } = await runProgram('e2fsck', ['-fn', image]);
  assert.equal(code, 0, `e2fsck -fn: ${code}: ${said}`);
}

/**
 * Fails when a file that the guest had synced is missing or wrong. The guest had reported
 * `before` when the moment was asked for, and `after` when it was over; so it may just have been
 * working on the one behind that.
 */
export async function assertFiles(
  image: string,
  { before, after }: { before: number; after: number },
): Promise<void> {
  const folder = `${image}-files`;
  await mkdir(folder);
  const { said } = await runProgram('debugfs', ['-R', `rdump / ${folder}`, image]);
  const names = new Set(await readdir(folder));
  const counter = Number(await readFile(join(folder, 'counter'), 'utf8'));
  assert.ok(counter >= before && counter <= after + 1, `${before} ≤ ${counter} ≤ ${after} + 1`);
  const first = Math.max(1, after + 2 - keptFiles);
  assert.ok(first <= before, 'some files were there all the time');
  for (let number = first; number <= counter; number += 1) {
    assert.ok(names.has(`file-${number}`), `file ${number} of ${counter} is there: ${said}`);
    const content = await readFile(join(folder, `file-${number}`), 'latin1');
    // Not assert.equal, which would print both contents line by line.
    assert.ok(content === contentOf(number), `file ${number} is as it was synced`);
  }
}

function contentOf(number: number): string {
  const lengthBytes = ((number * 7919) % 65_536) + 1;
  const line = `file ${number}\n`;
  return line.repeat(Math.ceil(lengthBytes / line.length)).slice(0, lengthBytes);
}

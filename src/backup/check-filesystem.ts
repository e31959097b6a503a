/**
 * Filesystem checks by the tools that come with each filesystem. They want a file: `nbdfuse` shows
 * an NBD export as one, which needs FUSE and no root. Where a tool is missing the answer is that
 * nothing was checked, never that all is well.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../base/abort.ts';
import { errnoOf } from '../base/errors.ts';
import type { ContentKind } from './filesystems.ts';

export interface FilesystemOutcome {
  readonly outcome: 'good' | 'damaged' | 'unchecked';
  readonly log: string;
}

interface Tool {
  /** Each in turn; all but the last only prepare, and end it all with an exit code from 4 on. */
  readonly commands: readonly (readonly [string, ...string[]])[];
  /** What the last one's exit code and output mean. */
  readonly verdict: (code: number, output: string) => FilesystemOutcome['outcome'];
}

/** The file to be checked stands last on every command line. */
const tools: Partial<Record<ContentKind, Tool>> = {
  // A volume is backed up while it is in use: what the journal has is taken over as by mounting.
  ext: {
    commands: [
      ['e2fsck', '-p', '-E', 'journal_only'],
      ['e2fsck', '-fn'],
    ],
    verdict: (code) => (code === 0 ? 'good' : code < 8 ? 'damaged' : 'unchecked'),
  },
  xfs: {
    commands: [['xfs_repair', '-n', '-f']],
    verdict: (code, output) =>
      code === 0 ? 'good' : output.includes('changes in a log') ? 'unchecked' : 'damaged',
  },
  btrfs: {
    commands: [['btrfs', 'check', '--readonly', '--force']],
    verdict: (code) => (code === 0 ? 'good' : 'damaged'),
  },
  fat: {
    commands: [['fsck.fat', '-n']],
    verdict: (code) => (code === 0 ? 'good' : code === 1 ? 'damaged' : 'unchecked'),
  },
};

/** Of what a tool says this much of its end is kept for people; the verdict sees far more. */
const logCharsMax = 4000;
const outputCharsMax = 1024 * 1024;
const mountWaitMs = 60_000;

/** Checks the filesystem on a writable export; `mountPath` is a file that nobody uses. */
export async function checkFilesystem(options: {
  kind: ContentKind;
  uri: string;
  mountPath: string;
  signal: AbortSignal;
}): Promise<FilesystemOutcome> {
  const { kind, uri, mountPath, signal } = options;
  const tool = tools[kind];
  if (tool === undefined) return { outcome: 'unchecked', log: `there is no check for ${kind}` };
  const mount = await mountNbd(uri, mountPath, signal);
  if ('problem' in mount) return { outcome: 'unchecked', log: mount.problem };
  const log: string[] = [];
  try {
    let code = 0;
    let output = '';
    for (const [command, ...args] of tool.commands) {
      const done = await run(command, [...args, mountPath], signal);
      throwIfAborted(signal);
      if (done === undefined) {
        return { outcome: 'unchecked', log: `${command} is not installed: not checked` };
      }
      ({ code, output } = done);
      const text = output.replaceAll(mountPath, 'disk').trimEnd().slice(-logCharsMax);
      log.push(`$ ${[command, ...args].join(' ')}`, text, `exit code ${code}`);
      if (code >= 4) break;
    }
    return { outcome: tool.verdict(code, output), log: log.join('\n') };
  } finally {
    await mount.unmount();
  }
}

/** Takes away what a killed process has left mounted. */
export async function unmountLeftover(mountPath: string): Promise<void> {
  await run('fusermount3', ['-uzq', mountPath], new AbortController().signal);
  await rm(mountPath, { force: true });
}

async function mountNbd(
  uri: string,
  mountPath: string,
  signal: AbortSignal,
): Promise<{ unmount: () => Promise<void> } | { problem: string }> {
  await mkdir(dirname(mountPath), { recursive: true });
  await writeFile(mountPath, '');
  const child = spawn('nbdfuse', [mountPath, uri], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const state = { hasEnded: false };
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(startProblem(error)));
    child.once('exit', () => resolve(said.trim()));
  }).then((problem) => {
    state.hasEnded = true;
    return problem;
  });
  const mayWait = (): boolean => !state.hasEnded && !signal.aborted;
  for (let waitedMs = 0; waitedMs < mountWaitMs && mayWait(); waitedMs += 50) {
    if ((await stat(mountPath)).size > 0)
      return { unmount: () => unmount(child, mountPath, ended) };
    await sleep(50);
  }
  if (!state.hasEnded) await unmount(child, mountPath, ended);
  await rm(mountPath, { force: true });
  throwIfAborted(signal);
  return { problem: `nbdfuse shows no file, so that nothing was checked: ${await ended}` };
}

function startProblem(error: Error): string {
  return errnoOf(error) === 'ENOENT' ? 'it is not installed' : error.message;
}

async function unmount(
  child: ChildProcess,
  mountPath: string,
  ended: Promise<string>,
): Promise<void> {
  // At once, also while a tool that was killed still has it open.
  await run('fusermount3', ['-uzq', mountPath], new AbortController().signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  await ended;
  clearTimeout(timer);
  // It may have been mounted only after the first time, and is nobody's then.
  await unmountLeftover(mountPath);
}

/** Undefined when there is no such program. The signal kills it. */
async function run(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ code: number; output: string } | undefined> {
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: path, LC_ALL: 'C.UTF-8' },
  });
  const onAbort = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', onAbort);
  let output = '';
  const take = (text: Buffer): void => {
    output = (output + text.toString()).slice(-outputCharsMax);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code: code ?? 255, output };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

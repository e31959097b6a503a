import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { peakMemoryBytes } from '../demo/firn-process.ts';
import { monotonicMs } from '../src/base/clock.ts';
import { OperatingError } from '../src/base/errors.ts';

/** How often a command's memory is looked at. */
const sampleEveryMs = 50;

/** Runs a command to its end; throws with what it said when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<{ seconds: number; peakBytes: number; output: string }> {
  const started = monotonicMs();
  const child = spawn(command, args, {
    ...options,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => said.push(text));
  }
  let peakBytes = 0;
  const sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakMemoryBytes(child.pid ?? 0));
  }, sampleEveryMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => clearInterval(sampling));
  const seconds = (monotonicMs() - started) / 1000;
  const output = said.join('');
  if (code !== 0) throw new OperatingError('io', `${command} ended with ${code}: ${output}`);
  return { seconds, peakBytes, output };
}

/** What a folder takes on disk, holes not counted. */
export function diskBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).blocks * 512, 0);
}

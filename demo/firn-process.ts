import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { OperatingError } from '../src/base/errors.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The line of `firn serve` that says that everything answers. */
const readyPattern = /^Firn .* is ready/;

/** A Firn that runs as a process of its own, as an operator would start it. */
export interface FirnProcess {
  readonly dataFolder: string;
  readonly pid: number;
  /** What it printed so far. */
  output(): string;
  /** The most memory that it ever had, in bytes. */
  peakMemoryBytes(): number;
  /** Ends it as Ctrl-C does, and resolves with its exit code. */
  stop(): Promise<number | null>;
  /** Ends it as a power cut does to a process. */
  kill(): Promise<void>;
}

/** Starts Firn on free ports and resolves when it is ready. */
export async function startFirn(
  dataFolder: string,
  args: readonly string[] = [],
): Promise<FirnProcess> {
  const given = ['--data', dataFolder, '--listen', '127.0.0.1:0', '--nbd', '127.0.0.1:0', ...args];
  const child = spawn(process.execPath, [join(root, 'bin', 'firn.ts'), 'serve', ...given], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => printed.push(text));
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => {
      reject(new OperatingError('unavailable', `Firn ended (${code}):\n${printed.join('')}`));
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      printed.push(`${line}\n`);
      if (readyPattern.test(line)) resolve();
    });
  });
  return running(child, dataFolder, printed);
}

function running(child: ChildProcess, dataFolder: string, printed: string[]): FirnProcess {
  const { pid = 0 } = child;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    return child.exitCode;
  };
  return {
    dataFolder,
    pid,
    output: () => printed.join(''),
    peakMemoryBytes: () => peakMemoryBytes(pid),
    stop: () => end('SIGINT'),
    kill: async () => void (await end('SIGKILL')),
  };
}

/** The high-water mark of resident memory, from proc(5); 0 where there is no such file. */
export function peakMemoryBytes(pid: number): number {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}

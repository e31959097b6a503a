/** Servers of a test that run as processes of their own, in a folder that is theirs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Processes that end with the test, in the reverse order of their start, and when it is killed. */
export class Processes {
  readonly folder: string;
  readonly #running: { child: ChildProcess; signal: NodeJS.Signals }[] = [];
  readonly #killAll = (): void => {
    for (const { child } of this.#running) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  };

  static async open(name: string): Promise<Processes> {
    return new Processes(await mkdtemp(join(tmpdir(), `firn-${name}-`)));
  }

  private constructor(folder: string) {
    this.folder = folder;
    process.once('exit', this.#killAll);
  }

  /** Starts a program whose standard error is passed on with `FIRN_TEST_VERBOSE` set. */
  start(
    program: string,
    options: readonly string[],
    { signal = 'SIGTERM', environment = {} }: StartOptions = {},
  ): ChildProcess {
    const errors = process.env['FIRN_TEST_VERBOSE'] === undefined ? 'ignore' : 'inherit';
    const child = spawn(program, options, {
      cwd: this.folder,
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', errors],
    });
    this.#running.push({ child, signal });
    return child;
  }

  async stop(): Promise<void> {
    for (let next = this.#running.pop(); next !== undefined; next = this.#running.pop()) {
      const { child, signal } = next;
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    }
    process.off('exit', this.#killAll);
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface StartOptions {
  /** What ends it. */
  readonly signal?: NodeJS.Signals;
  readonly environment?: NodeJS.ProcessEnv;
}

/** The real terminal client, against a Firn of a test. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../src/base/clock.ts';

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Objects that a command prints as JSON. */
export type Printed = Record<string, unknown>;

const settleWithinMs = 180_000;

/** `openstack …` with the `clouds.yaml` that Firn wrote. */
export class Openstack {
  readonly #environment: NodeJS.ProcessEnv;

  constructor(dataFolder: string, environment: NodeJS.ProcessEnv = {}) {
    this.#environment = {
      PATH: process.env['PATH'],
      HOME: dataFolder,
      LANG: 'C.UTF-8',
      OS_CLIENT_CONFIG_FILE: join(dataFolder, 'clouds.yaml'),
      OS_CLOUD: 'firn',
      ...environment,
    };
  }

  /** Runs one command line; words are split at blanks, so that a test reads as one types. */
  async run(line: string, ...words: readonly string[]): Promise<Said> {
    return await this.#run([...line.split(' '), ...words], '');
  }

  /** Types command lines one after the other into one interactive client, which starts once. */
  async typed(...lines: readonly string[]): Promise<Said> {
    return await this.#run([], lines.map((line) => `${line}\n`).join(''));
  }

  async #run(words: readonly string[], input: string): Promise<Said> {
    const child = spawn('openstack', words, { env: this.#environment });
    child.stdin.end(input);
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
    }
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { code, ...said };
  }

  /** Runs a command that must work; returns what it printed. */
  async ok(line: string, ...words: readonly string[]): Promise<string> {
    const said = await this.run(line, ...words);
    assert.equal(said.code, 0, `openstack ${line} ${words.join(' ')}: ${said.stderr}`);
    return said.stdout;
  }

  /** Runs a command that must fail; returns what it told the user. */
  async refused(line: string, ...words: readonly string[]): Promise<string> {
    const said = await this.run(line, ...words);
    assert.notEqual(said.code, 0, `openstack ${line} was refused`);
    assert.doesNotMatch(said.stderr, /Traceback|HTTP 500/);
    return said.stderr;
  }

  async object(line: string, ...words: readonly string[]): Promise<Printed> {
    return JSON.parse(await this.ok(line, ...words, '-f', 'json')) as Printed;
  }

  async objects(line: string, ...words: readonly string[]): Promise<Printed[]> {
    return JSON.parse(await this.ok(line, ...words, '-f', 'json')) as Printed[];
  }

  /** Looks with `show` until the status is settled, and says through which statuses it went. */
  async settled(kind: 'volume' | 'volume snapshot' | 'volume backup', id: string): Promise<string> {
    const started = monotonicMs();
    for (;;) {
      const status = (await this.ok(`${kind} show ${id} -f value -c status`)).trim();
      if (/^(?:available|error.*)$/.test(status)) return status;
      assert.ok(monotonicMs() - started < settleWithinMs, `${kind} ${id} is still ${status}`);
      await sleep(200);
    }
  }
}

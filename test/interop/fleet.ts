/**
 * The terminal clients, whole: many commands in one process that starts once, and an account of
 * which of a client's commands have worked.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { must } from '../../src/base/assert.ts';
import { isJsonObject, type JsonObject } from '../../src/base/json.ts';

/** Debian's own, which has its packages. */
const python = '/usr/bin/python3';
const script = fileURLToPath(new URL('./client_commands.py', import.meta.url));
const compatibility = new URL('../../docs/compatibility.md', import.meta.url);

/** One of the terminal clients as the administrator of a data folder. */
export class Fleet {
  readonly #client: 'openstack' | 'cinder';
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  readonly #worked: string[] = [];
  readonly #refused: string[] = [];

  constructor(client: 'openstack' | 'cinder', dataFolder: string, microversion: string) {
    this.#client = client;
    const env = { ...environmentOf(client, dataFolder), OS_VOLUME_API_VERSION: microversion };
    const stdio = ['pipe', 'pipe', 'inherit'] as const;
    this.#child = spawn(python, ['-W', 'ignore', script], { env, stdio: [...stdio] });
    this.#lines = createInterface({ input: must(this.#child.stdout, 'a pipe') });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  close(): void {
    this.#child.stdin?.end();
    this.#lines.close();
  }

  /** Runs command lines that must work, one after the other; resolves with what they printed. */
  async works(...lines: readonly string[]): Promise<string> {
    let all = '';
    for (const line of lines) {
      const { code, printed } = await this.#run(line);
      assert.equal(code, 0, `${this.#client} ${line}: ${printed}`);
      this.#worked.push(commandIn(line));
      all += printed;
    }
    return all;
  }

  /** Runs a command that must fail with words that the client or Firn has for it. */
  async refused(line: string, words: RegExp): Promise<void> {
    const { code, printed } = await this.#run(line);
    assert.notEqual(code, 0, `${this.#client} ${line} was refused: ${printed}`);
    assert.match(printed, words, line);
    assert.doesNotMatch(printed, /Traceback|HTTP 5\d\d/, line);
    this.#refused.push(commandIn(line));
  }

  /** Cells of a row, as the client prints them with `-f value`. */
  async cells(line: string): Promise<string[]> {
    return (await this.works(line)).trim().split(/\s+/);
  }

  /**
   * That each command of the client (for `openstack`, of these groups) has worked, or was refused
   * as `docs/compatibility.md` says, which names it as `client name` or, with all that begin so,
   * `client na…`.
   */
  async demandEvery(groups: readonly string[] = []): Promise<void> {
    const answer: unknown = await this.#ask({ client: this.#client, groups: [...groups] });
    const names = Array.isArray(answer) ? answer.map(String) : [];
    assert.ok(names.length > 10, `the commands of ${this.#client}`);
    const excused = documented(this.#client);
    const isIn = (lines: readonly string[], name: string): boolean =>
      lines.some((line) => `${line} `.startsWith(`${name} `));
    const others = names.filter((name) => !isIn(this.#worked, name));
    const unnamed = others.filter((name) => !excused(name));
    assert.deepEqual(unnamed, [], 'neither worked nor named in docs/compatibility.md');
    const untried = others.filter((name) => !isIn(this.#refused, name));
    assert.deepEqual(untried, [], 'named in docs/compatibility.md, and never seen to be refused');
  }

  async #run(line: string): Promise<{ code: unknown; printed: string }> {
    const answer = await this.#ask({ client: this.#client, words: wordsOf(line) });
    const { code, printed } = isJsonObject(answer) ? answer : {};
    assert.ok(typeof printed === 'string', `an answer to ${line}`);
    return { code, printed };
  }

  async #ask(request: JsonObject): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#answers.next();
    assert.notEqual(done, true, 'the process of the client ended');
    return JSON.parse(value);
  }
}

/** A command line without the options in front. */
function commandIn(line: string): string {
  return line.replace(/^(?:--os-\S+ \S+ )+/, '');
}

/** A line as one types it: words at blanks, but within double quotes. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
}

export function environmentOf(
  client: 'openstack' | 'cinder',
  dataFolder: string,
): NodeJS.ProcessEnv {
  const env = { PATH: process.env['PATH'], HOME: dataFolder, LANG: 'C.UTF-8' };
  if (client === 'openstack') {
    return { ...env, OS_CLIENT_CONFIG_FILE: join(dataFolder, 'clouds.yaml'), OS_CLOUD: 'firn' };
  }
  const openrc = readFileSync(join(dataFolder, 'openrc'), 'utf8');
  const given = [...openrc.matchAll(/^export (\w+)='(.*)'$/gm)].map((match) => match.slice(1, 3));
  return { ...env, ...Object.fromEntries(given) };
}

/** Tells whether the document names a command of the client. */
function documented(client: string): (name: string) => boolean {
  const text = readFileSync(compatibility, 'utf8');
  const named = [...text.matchAll(/`([^`\n]+)`/g)]
    .map(([, code = '']) => code)
    .filter((code) => code.startsWith(`${client} `))
    .map((code) => code.slice(client.length + 1));
  return (name) =>
    named.some((known) =>
      known.endsWith('…') ? `${name} `.startsWith(known.slice(0, -1)) : known === name,
    );
}

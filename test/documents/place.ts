/** A reader's terminal, in a folder of its own, as on a machine where Firn was just cloned. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert, must } from '../../src/base/assert.ts';
import { monotonicMs } from '../../src/base/clock.ts';
import { BlockStorage } from '../block-storage.ts';
import { root } from '../source-files.ts';

/** What is linked into the folder, so that npm finds what it finds in a clone. */
const cloned = [
  'package.json',
  'package-lock.json',
  'node_modules',
  'scripts',
  'src',
  'test',
  'docs',
];

/** Folders of an example machine; here they lie below the reader's own. */
const example = /(^|[\s='"(:]|\/\/)\/(srv|mnt|media|etc\/firn|var\/lib\/cinder)(?=[/\s'")]|$)/gm;

const settleWithinMs = 300_000;
const answerWithinMs = 300_000;

export interface Answer {
  readonly code: number;
  readonly said: string;
}

interface Server {
  readonly child: ChildProcess;
  readonly command: string;
  said: string;
}

export class Place {
  readonly folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #shell: ChildProcess;
  readonly #lines: Interface;
  #server: Server | undefined;
  #typed = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.#environment = {
      PATH: `${join(folder, '.bin')}:${process.env['PATH'] ?? ''}`,
      HOME: folder,
      // The client keeps a list of its commands there, which takes it a while to make.
      XDG_CACHE_HOME: join(tmpdir(), 'firn-reader-cache'),
      LANG: 'C.UTF-8',
      npm_config_update_notifier: 'false',
      // Whatever a document says of ports, tests take free ones.
      FIRN_LISTEN: '127.0.0.1:0',
      FIRN_NBD: '127.0.0.1:0',
    };
    this.#shell = spawn('bash', [], {
      cwd: folder,
      env: this.#environment,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#lines = createInterface({ input: must(this.#shell.stdout, 'the shell is read') });
  }

  static async open(): Promise<Place> {
    const folder = await mkdtemp(join(tmpdir(), 'firn-reader-'));
    for (const name of cloned) await symlink(join(root, name), join(folder, name));
    await mkdir(join(folder, '.bin'));
    await symlink(join(root, 'bin/firn.mjs'), join(folder, '.bin/firn'));
    for (const name of ['srv', 'mnt', 'media', 'etc/firn', 'var/lib/cinder']) {
      await mkdir(join(folder, name), { recursive: true });
    }
    return new Place(folder);
  }

  /** Ends everything that was started here, and removes the folder. */
  async close(): Promise<void> {
    await this.#endServer('SIGKILL');
    this.#lines.close();
    this.#shell.stdin?.end();
    await once(this.#shell, 'exit');
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A text of a document, with its example folders below the reader's. */
  here(text: string): string {
    return text.replaceAll(example, `$1${this.folder}/$2`);
  }

  async write(path: string, text: string): Promise<void> {
    const absolute = path.startsWith('/') ? this.here(path) : join(this.folder, path);
    assert(absolute.startsWith(`${this.folder}/`), `${path} is a place of the example machine`);
    await mkdir(dirname(absolute), { recursive: true });
    await writeFile(absolute, this.here(text));
  }

  /**
   * Types a command, and waits until it has ended and all that it began in Firn is settled. A
   * server goes on, in place of the one before; it has answered once it says that it is ready.
   */
  async type(command: string): Promise<Answer> {
    const text = this.here(command);
    if (/^(?:npm start|firn serve)\b/.test(text)) return await this.#serve(text);
    const answer = await this.#run(text);
    if (/^kill (?:-9 )?\$\(cat/.test(text)) await this.#untilServerEnded();
    await this.#settle();
    return answer;
  }

  /** What the server that runs has printed. */
  serverSaid(): string {
    return this.#server?.said ?? '';
  }

  async #run(text: string): Promise<Answer> {
    this.#typed += 1;
    const script = join(this.folder, `.typed-${this.#typed}`);
    await writeFile(script, `${text}\n`);
    const output = `${script}.out`;
    const ended = once(this.#lines, 'line', { signal: AbortSignal.timeout(answerWithinMs) });
    const source = `. '${script}' </dev/null >'${output}' 2>&1; echo "$?"\n`;
    this.#shell.stdin?.write(`set -o pipefail; ${source}`);
    const [code]: unknown[] = await ended;
    return { code: Number(code), said: await readFile(output, 'utf8') };
  }

  async #serve(text: string): Promise<Answer> {
    const before = openrcOf(this.serverSaid());
    await this.#endServer('SIGTERM');
    const exported = await this.#run('export -p');
    const child = spawn('bash', ['-c', `${exported.said}\nexec ${text}`], {
      cwd: this.folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const server: Server = { child, command: text, said: '' };
    this.#server = server;
    child.stderr.setEncoding('utf8').on('data', (more: string) => (server.said += more));
    const code = await new Promise<number>((resolve) => {
      child.once('exit', (ended) => resolve(ended ?? 1));
      child.stdout.setEncoding('utf8').on('data', (more: string) => {
        server.said += more;
        if (/^Firn .* is ready[\s\S]*Ctrl-C|endpoint create/m.test(server.said)) resolve(0);
      });
    });
    // The same Firn on another port than before, which a reader's would not be.
    const openrc = openrcOf(server.said);
    if (openrc !== undefined && openrc === before) {
      const url = `$(. ${openrc}; echo $OS_AUTH_URL)`;
      await this.#run(`test -z "$OS_AUTH_URL" || export OS_AUTH_URL="${url}"`);
    }
    return { code, said: server.said };
  }

  async #endServer(signal: NodeJS.Signals): Promise<void> {
    const { pid, exitCode, signalCode } = this.#server?.child ?? {};
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    process.kill(-pid, signal);
    await this.#untilServerEnded();
  }

  async #untilServerEnded(): Promise<void> {
    const child = this.#server?.child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      await once(child, 'exit');
    }
    this.#server = undefined;
  }

  /** Waits until no volume, snapshot or backup is on its way to something. */
  async #settle(): Promise<void> {
    const data = /^ {2}data +(\S+)$/m.exec(this.serverSaid())?.[1];
    if (data === undefined || this.serverSaid().includes('endpoint create')) return;
    const storage = new BlockStorage(data);
    const started = monotonicMs();
    for (;;) {
      const kinds = ['volumes', 'snapshots', 'backups'];
      const lists = await Promise.all(kinds.map((kind) => storage.list(kind)));
      const statuses = lists.flat().map(({ status }) => (typeof status === 'string' ? status : ''));
      const moving = statuses.filter((status) => status.endsWith('ing'));
      if (moving.length === 0) return;
      assert(monotonicMs() - started < settleWithinMs, `all is settled: ${moving.join(', ')}`);
      await sleep(50);
    }
  }
}

/** The file with the credentials that a server named when it was ready. */
function openrcOf(said: string): string | undefined {
  return /^ {2}\. (\S+openrc)$/m.exec(said)?.[1];
}

/**
 * A PostgreSQL server of its own for tests: in a temporary folder, on a unix socket, with Debian's
 * binaries.
 */
import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const versionsFolder = '/usr/lib/postgresql';
const startAttemptCountMax = 1000;

/** The folder of the newest server's binaries, if there is one. */
export function postgresBinaries(): string | undefined {
  if (!existsSync(versionsFolder)) return undefined;
  const versions = readdirSync(versionsFolder).sort((a, b) => Number(b) - Number(a));
  const folders = versions.map((version) => join(versionsFolder, version, 'bin'));
  return folders.find((folder) => existsSync(join(folder, 'initdb')));
}

/** PostgreSQL refuses to run as root, so that its own user runs it then. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (option: string): number => Number(execFileSync('id', [option, 'postgres']));
  return { uid: id('-u'), gid: id('-g') };
}

export class TemporaryPostgres {
  readonly #binaries: string;
  readonly #folder: string;
  readonly #server: ChildProcess;
  readonly #user: { uid: number; gid: number } | undefined;
  #databaseCount = 0;

  constructor(binaries: string) {
    this.#binaries = binaries;
    this.#folder = mkdtempSync(join(tmpdir(), 'firn-postgres-'));
    this.#user = unprivileged();
    if (this.#user !== undefined) chownSync(this.#folder, this.#user.uid, this.#user.gid);
    const data = join(this.#folder, 'data');
    this.#run('initdb', ['-D', data, '-U', 'firn', '-A', 'trust', '-E', 'UTF8', '--no-sync']);
    this.#server = spawn(
      join(binaries, 'postgres'),
      ['-D', data, '-k', this.#folder, '-c', 'listen_addresses=', '-c', 'fsync=off'],
      { cwd: this.#folder, stdio: 'ignore', ...this.#user },
    );
  }

  /** Makes an empty database, and returns its URL. */
  async newDatabase(): Promise<string> {
    await this.#ready();
    this.#databaseCount += 1;
    const name = `firn${this.#databaseCount}`;
    this.#run('createdb', ['-h', this.#folder, '-U', 'firn', name]);
    return `postgres://firn@/${name}?host=${encodeURIComponent(this.#folder)}`;
  }

  async stop(): Promise<void> {
    const ended = once(this.#server, 'exit');
    // Fast shutdown: connections that are open are ended.
    this.#server.kill('SIGINT');
    await ended;
    rmSync(this.#folder, { recursive: true });
  }

  async #ready(): Promise<void> {
    for (let attempt = 0; attempt < startAttemptCountMax; attempt += 1) {
      try {
        this.#run('pg_isready', ['-q', '-h', this.#folder, '-U', 'firn']);
        return;
      } catch (error) {
        if (attempt === startAttemptCountMax - 1) throw error;
        await delay(100);
      }
    }
  }

  #run(program: string, options: string[]): void {
    execFileSync(join(this.#binaries, program), options, {
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...this.#user,
    });
  }
}

/** Requests to a Firn of the bench, as many at once as there are clients. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert, must } from '../src/base/assert.ts';
import { monotonicMs } from '../src/base/clock.ts';
import { isJsonObject, type JsonObject } from '../src/base/json.ts';
import { parse } from 'yaml';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: string;
}

export interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
  /** Processor time of the whole service for one request; steadier than a clock. */
  readonly cpuMs: number;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly token: string | undefined;
}

/** What all threads of a process have computed so far, from proc_pid_stat(5): ticks of 10 ms. */
function cpuMsOf(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number);
  return (user + system) * 10;
}

export class ApiLoad {
  readonly #base: URL;
  readonly #pid: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  #token = '';
  #login = { name: '', password: '', project: '' };

  private constructor(base: URL, pid: number) {
    this.#base = base;
    this.#pid = pid;
  }

  /** Logs in as the administrator of the data folder that process `pid` serves. */
  static async open(dataFolder: string, pid: number): Promise<ApiLoad> {
    const clouds: unknown = parse(readFileSync(join(dataFolder, 'clouds.yaml'), 'utf8'));
    const { auth } = (clouds as { clouds: { firn: { auth: Record<string, string> } } }).clouds.firn;
    const load = new ApiLoad(new URL(must(auth['auth_url'], 'the URL of Identity')), pid);
    const { username: name = '', password = '', project_name: project = '' } = auth;
    load.#login = { name, password, project };
    const answer = await load.#send(load.login());
    load.#token = must(answer.token, 'a token');
    return load;
  }

  /**
   * Gives the service the first core, and the clients the others, so that what is measured is one
   * core's; `false` gives both all cores again.
   */
  pin(apart: boolean): void {
    const last = cpus().length - 1;
    assert(!apart || last > 0, 'there are two cores');
    const on = (pid: number, cores: string): void =>
      void execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)]);
    on(this.#pid, apart ? '0' : `0-${last}`);
    on(process.pid, apart ? `1-${last}` : `0-${last}`);
  }

  /** The request that issues a token: to the administrator, or to a user who was made. */
  login(user: { name?: string; password?: string } = {}): Request {
    const domain = { id: 'default' };
    const { name, password, project } = { ...this.#login, ...user };
    const scope = { project: { name: project, domain } };
    const identity = { methods: ['password'], password: { user: { name, password, domain } } };
    const body = JSON.stringify({ auth: { identity, scope } });
    return { method: 'POST', path: '/identity/v3/auth/tokens', body };
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Sends the same request again and again for so long. */
  async run(request: Request, how: { clients: number; seconds: number }): Promise<Figures> {
    const cpuStartMs = cpuMsOf(this.#pid);
    const times: number[] = [];
    const startMs = monotonicMs();
    const endMs = startMs + how.seconds * 1000;
    const client = async (): Promise<void> => {
      while (monotonicMs() < endMs) {
        const sentMs = monotonicMs();
        const { status, text } = await this.#send(request);
        assert(status < 300, `${request.path} answers ${status}: ${text.slice(0, 200)}`);
        times.push(monotonicMs() - sentMs);
      }
    };
    await Promise.all(Array.from({ length: how.clients }, client));
    times.sort((a, b) => a - b);
    const at = (part: number): number => times[Math.floor(times.length * part)] ?? 0;
    const tookSeconds = (monotonicMs() - startMs) / 1000;
    return {
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      perSecond: times.length / tookSeconds,
      cpuMs: (cpuMsOf(this.#pid) - cpuStartMs) / times.length,
    };
  }

  /** The project may have as much as it likes. */
  async unlimit(): Promise<void> {
    const limits = { volumes: -1, snapshots: -1, gigabytes: -1 };
    const quota_class_set = limits;
    await this.#call('PUT', '/os-quota-class-sets/default', { quota_class_set });
  }

  async makeVolume(volume: JsonObject): Promise<string> {
    return await this.#made('/volumes', 'volume', { volume });
  }

  async adopt(file: string): Promise<string> {
    const volume = { host: 'firn@layers#layers', ref: { 'source-name': file }, name: file };
    return await this.#made('/os-volume-manage', 'volume', { volume });
  }

  /** Resolves with the seconds that it took. */
  async backUp(name: string): Promise<string> {
    const { volumes } = await this.#call('GET', `/volumes?name=${name}`);
    const [volume] = Array.isArray(volumes) ? volumes.filter(isJsonObject) : [];
    const startMs = monotonicMs();
    await this.#made('/backups', 'backup', { backup: { volume_id: volume?.['id'] ?? '' } });
    return ((monotonicMs() - startMs) / 1000).toFixed(1);
  }

  /** Makes something, and waits until it is available. */
  async #made(path: string, kind: string, body: JsonObject): Promise<string> {
    const made = (await this.#call('POST', path, body))[kind];
    const id = isJsonObject(made) ? made['id'] : undefined;
    assert(typeof id === 'string', `an id of what ${path} makes`);
    for (;;) {
      const shown = (await this.#call('GET', `/${kind}s/${id}`))[kind];
      if (isJsonObject(shown) && shown['status'] === 'available') return id;
      await sleep(50);
    }
  }

  async #call(method: Request['method'], path: string, body?: JsonObject): Promise<JsonObject> {
    const whole = `/volume/v3${path}`;
    const given = body === undefined ? {} : { body: JSON.stringify(body) };
    const { status, text } = await this.#send({ method, path: whole, ...given });
    assert(status < 300, `${method} ${path} answers ${status}: ${text.slice(0, 200)}`);
    const answer: unknown = text === '' ? {} : JSON.parse(text);
    return isJsonObject(answer) ? answer : {};
  }

  #send({ method, path, body }: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = {
        'x-auth-token': this.#token,
        'openstack-api-version': 'volume 3.64',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      };
      const { hostname, port } = this.#base;
      const options = { hostname, port, method, path, headers, agent: this.#agent };
      const sent = httpRequest(options, (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('end', () => {
          const token = reply.headers['x-subject-token'];
          resolve({
            status: reply.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
            token: typeof token === 'string' ? token : undefined,
          });
        });
        reply.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

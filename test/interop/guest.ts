/** A virtual machine: QEMU, without acceleration by hardware, on a disk that is served over NBD. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { OperatingError } from '../../src/base/errors.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { parseNbdUri } from '../../src/client/nbd-uri.ts';
import type { Ending } from '../firn.ts';
import type { GuestImage } from './guest-image.ts';
import { Qmp } from './qmp.ts';

/** How long anything in a guest may take, on a machine that is busy with other tests. */
const timeoutMs = 300_000;

export interface GuestOptions {
  readonly image: GuestImage;
  /** For the kernel's log. */
  readonly folder: string;
  /** `nbd+unix:///…` of the disk. */
  readonly uri: string;
  /** For how long QEMU keeps requests back while it tries to connect anew. */
  readonly reconnectDelaySeconds: number;
}

type Qemu = ChildProcessByStdio<Writable, Readable, Readable>;

/** Starts a guest and resolves when its shell reads; it is killed at the end of the test. */
export async function bootGuest(t: Ending, options: GuestOptions): Promise<Guest> {
  const log = join(options.folder, 'guest-kernel.txt');
  const qemu = spawn('qemu-system-x86_64', qemuArguments(options, log), {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const guest = new Guest(qemu, log, options);
  t.after(() => guest.kill());
  await guest.line((line) => line === 'ready');
  return guest;
}

function qemuArguments(options: GuestOptions, log: string): string[] {
  const { image, folder } = options;
  const machine = '-M pc -accel tcg -cpu max -m 256 -display none -nodefaults -no-reboot'.split(
    ' ',
  );
  const kernel = ['-kernel', image.kernel, '-initrd', image.initramfs];
  const words = ['-append', 'console=ttyS0 panic=-1 loglevel=4'];
  const serial = ['-serial', `file:${log}`, '-serial', 'stdio'];
  const nodes = [connectionNode(options, 'volume'), diskNode('volume')];
  const blocks = nodes.flatMap((node) => ['-blockdev', JSON.stringify(node)]);
  const drive = [...blocks, '-device', 'virtio-blk-pci,drive=disk'];
  const monitor = ['-qmp', `unix:${monitorOf(folder)},server=on,wait=off`];
  return [...machine, ...kernel, ...words, ...serial, ...drive, ...monitor];
}

/** A connection to the volume, as a node of QEMU's. */
function connectionNode({ uri, reconnectDelaySeconds }: GuestOptions, name: string): JsonObject {
  const address = parseNbdUri(uri);
  if (!('path' in address)) throw new OperatingError('invalid_input', `no unix socket: ${uri}`);
  return {
    driver: 'nbd',
    'node-name': name,
    server: { type: 'unix', path: address.path },
    export: address.exportName,
    'reconnect-delay': reconnectDelaySeconds,
    discard: 'unmap',
  };
}

/** The guest's disk, whose bytes are those of a connection, which can be another one later. */
function diskNode(connection: string): JsonObject {
  return { driver: 'raw', 'node-name': 'disk', file: connection, discard: 'unmap' };
}

const monitorOf = (folder: string): string => join(folder, 'qmp.sock');

export class Guest {
  readonly #qemu: Qemu;
  readonly #log: string;
  readonly #options: GuestOptions;
  readonly #lines: string[] = [];
  readonly #events = new EventEmitter();
  #errors = '';
  #hasEnded = false;
  #lastWritten = 0;

  constructor(qemu: Qemu, log: string, options: GuestOptions) {
    this.#qemu = qemu;
    this.#log = log;
    this.#options = options;
    this.#events.setMaxListeners(0);
    qemu.stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    createInterface({ input: qemu.stdout }).on('line', (line) => this.#take(line.trim()));
    qemu.once('close', () => {
      this.#hasEnded = true;
      this.#events.emit('change');
    });
  }

  /** The number of the last file that the guest has reported as synced. */
  get lastWritten(): number {
    return this.#lastWritten;
  }

  /** What the kernel said: warnings and errors only. */
  kernelLog(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8') : '';
  }

  /** Runs a command in the guest's shell; returns what it printed. Fails when the command does. */
  async run(command: string): Promise<string[]> {
    const from = this.#lines.length;
    this.#qemu.stdin.write(`${command}\n`);
    const status = await this.line((line) => line.startsWith('status '), from);
    const printed = this.#lines.slice(from).filter((line) => !/^(?:status|wrote) /.test(line));
    if (status === 'status 0') return printed;
    throw new OperatingError('io', `${command}: ${status}: ${printed.join('\n')}`);
  }

  /** Tells the guest the size that its volume has now, as docs/guide/nbd.md says. */
  async learnSize(bytes: number): Promise<void> {
    const monitor = await Qmp.connect(monitorOf(this.#options.folder));
    await monitor.execute('blockdev-add', connectionNode(this.#options, 'grown'));
    await monitor.execute('blockdev-reopen', { options: [diskNode('grown')] });
    await monitor.execute('block_resize', { 'node-name': 'disk', size: bytes });
    await monitor.execute('blockdev-del', { 'node-name': 'volume' });
    monitor.close();
  }

  /** Writes files from number `first` on, in the background. */
  async startWriting(first: number): Promise<void> {
    await this.run(`rm -f /stop; write_files ${first} &`);
  }

  /** Ends the writing; the number of the last file. */
  async stopWriting(): Promise<number> {
    // The shell must not read while its child ends: it would lose what it has read of a line.
    await this.run('touch /stop; wait');
    return this.#lastWritten;
  }

  /** Resolves when file `number` is reported as synced. */
  async written(number: number): Promise<void> {
    await this.#until(() => (this.#lastWritten >= number ? true : undefined));
  }

  /** The first line, from the one with index `from` on, that `isWanted`. */
  async line(isWanted: (line: string) => boolean, from = 0): Promise<string> {
    return await this.#until(() => this.#lines.slice(from).find(isWanted));
  }

  /** Shuts the machine down in order. */
  async powerOff(): Promise<void> {
    this.#qemu.stdin.write('poweroff -f\n');
    await this.#until(() => (this.#hasEnded ? true : undefined));
  }

  /** Ends the machine as a power cut does. */
  async kill(): Promise<void> {
    if (this.#hasEnded) return;
    const closed = once(this.#qemu, 'close');
    this.#qemu.kill('SIGKILL');
    await closed;
  }

  #take(line: string): void {
    this.#lines.push(line);
    const written = /^wrote (\d+)$/.exec(line)?.[1];
    if (written !== undefined) this.#lastWritten = Number(written);
    this.#events.emit('change');
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    const limit = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.#hasEnded || limit.aborted) throw this.#stuck();
      await once(this.#events, 'change', { signal: limit }).catch((error: unknown) => {
        if (!limit.aborted) throw error;
      });
    }
  }

  #stuck(): OperatingError {
    const state = this.#hasEnded ? 'has ended' : 'is stuck';
    const said = [this.#errors, ...this.#lines.slice(-20), this.kernelLog()].join('\n');
    return new OperatingError('unavailable', `The guest ${state}:\n${said}`);
  }
}

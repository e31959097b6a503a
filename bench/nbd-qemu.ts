/** qemu-nbd as the server of an image, in each of the modes that could be its best. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from '../src/base/assert.ts';
import { monotonicMs } from '../src/base/clock.ts';
import { OperatingError } from '../src/base/errors.ts';
import type { Transport } from './nbd-rows.ts';

export interface QemuMode {
  readonly cache: 'writeback' | 'none';
  readonly aio: 'threads' | 'native' | 'io_uring';
}

/** `native` works on files without the page cache only. */
export const qemuModes: readonly QemuMode[] = [
  { cache: 'writeback', aio: 'threads' },
  { cache: 'writeback', aio: 'io_uring' },
  { cache: 'none', aio: 'threads' },
  { cache: 'none', aio: 'native' },
  { cache: 'none', aio: 'io_uring' },
];

export const modeName = ({ cache, aio }: QemuMode): string => `${cache}, ${aio}`;

export interface QemuServer {
  readonly uri: string;
  close(): Promise<void>;
}

const readyWithinMs = 5000;
let serversStarted = 0;

export async function startQemuNbd(options: {
  path: string;
  format: 'raw' | 'qcow2';
  mode: QemuMode;
  transport: Transport;
  /** For the socket. */
  folder: string;
}): Promise<QemuServer> {
  const { path, format, mode, transport, folder } = options;
  serversStarted += 1;
  const socket = join(folder, `qemu-${serversStarted}.sock`);
  const port = transport === 'tcp' ? await freePort() : 0;
  const place = transport === 'tcp' ? ['-b', '127.0.0.1', '-p', String(port)] : ['-k', socket];
  const ways = [`--cache=${mode.cache}`, `--aio=${mode.aio}`, '--discard=unmap', '-f', format];
  const args = [...ways, '-e', '16', '-t', '-x', 'bench', ...place, path];
  const child = spawn('qemu-nbd', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'exit');
  const endWithBench = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithBench);
  const deadline = monotonicMs() + readyWithinMs;
  while (!(await accepts(transport === 'tcp' ? { host: '127.0.0.1', port } : { path: socket }))) {
    if (child.exitCode !== null || monotonicMs() > deadline) {
      child.kill('SIGKILL');
      throw new OperatingError('unavailable', `qemu-nbd ${args.join(' ')}: ${said}`);
    }
    await sleep(10);
  }
  const host = `nbd://127.0.0.1:${port}/bench`;
  return {
    uri: transport === 'tcp' ? host : `nbd+unix:///bench?socket=${socket}`,
    async close() {
      child.kill('SIGTERM');
      await ended;
      process.off('exit', endWithBench);
    },
  };
}

async function accepts(
  address: { host: string; port: number } | { path: string },
): Promise<boolean> {
  const socket = connect(address);
  const answered = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return answered;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  assert(typeof address === 'object' && address !== null, 'a TCP server has an address');
  probe.close();
  await once(probe, 'close');
  return address.port;
}

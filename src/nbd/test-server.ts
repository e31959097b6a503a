/** What tests here start with: a server on a fresh socket, a device to watch, a raw peer. */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newSecret } from '../base/ids.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { ByteReader } from './byte-reader.ts';
import type { NbdEvent } from './connection.ts';
import { ExportRegistry } from './exports.ts';
import { NbdServer, type NbdServerOptions } from './server.ts';

/** A device behind several connections: closing is counted and does not end it. */
export interface Watched {
  readonly device: BlockDevice;
  opened: number;
  closed: number;
  flushed: number;
}

/** Something that holds a device's calls back until it is opened. */
export class Gate {
  #open = true;
  #waiting: (() => void)[] = [];

  shut(): void {
    this.#open = false;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  open(): void {
    this.#open = true;
    for (const go of this.#waiting.splice(0)) go();
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  pass(): Promise<void> {
    if (this.#open) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

export interface TestServer extends AsyncDisposable {
  readonly server: NbdServer;
  readonly exports: ExportRegistry;
  readonly folder: string;
  readonly path: string;
  readonly name: string;
  readonly uri: string;
  readonly watched: Watched;
  readonly gate: Gate;
  readonly events: NbdEvent[];
}

/** Starts a server with one export, of `device`; writes and reads pass `gate` first. */
export async function startTestServer(
  device: BlockDevice,
  options: Omit<NbdServerOptions, 'exports'> = {},
): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-nbd-'));
  const path = join(folder, 'nbd.sock');
  const exports = new ExportRegistry();
  const name = newSecret();
  const gate = new Gate();
  const watched: Watched = { device, opened: 0, closed: 0, flushed: 0 };
  exports.add(name, {
    readOnly: device.readOnly,
    open: async () => {
      watched.opened += 1;
      return gated(watched, gate);
    },
  });
  const events: NbdEvent[] = [];
  const server = new NbdServer({ log: (event) => events.push(event), ...options, exports });
  await server.listenUnix(path);
  return {
    server,
    exports,
    folder,
    path,
    name,
    watched,
    gate,
    events,
    uri: uriOf(path, name),
    [Symbol.asyncDispose]: async () => {
      gate.open();
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}

export function uriOf(path: string, name: string): string {
  return `nbd+unix:///${name}?socket=${path}`;
}

function gated(watched: Watched, gate: Gate): BlockDevice {
  const { device } = watched;
  const { immediate } = device;
  return {
    immediate: immediate && {
      read: (offset, target) => (gate.isOpen ? immediate.read(offset, target) : 'refused'),
      locate: (offset, length) => (gate.isOpen ? immediate.locate?.(offset, length) : undefined),
      write: (offset, data, done) => gate.isOpen && immediate.write(offset, data, done),
      settle: () => immediate.settle(),
    },
    lengthBytes: device.lengthBytes,
    readOnly: device.readOnly,
    read: (offset, target) => gate.pass().then(() => device.read(offset, target)),
    write: (offset, data) => gate.pass().then(() => device.write(offset, data)),
    zero: (offset, length) => device.zero(offset, length),
    trim: (offset, length) => device.trim(offset, length),
    extents: (offset, length) => device.extents(offset, length),
    flush: async () => {
      await device.flush();
      watched.flushed += 1;
    },
    close: async () => {
      watched.closed += 1;
    },
  };
}

/** A peer that sends bytes of a test's own making. */
export class RawPeer {
  readonly socket: Socket;
  readonly #input: ByteReader;
  readonly closed: Promise<void>;

  constructor(place: string | Socket) {
    this.socket = typeof place === 'string' ? connect(place) : place;
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => resolve());
    });
    this.#input = new ByteReader(this.socket);
  }

  /** The socket, for whoever goes on with it. */
  release(): Socket {
    this.#input.detach();
    return this.socket;
  }

  send(...parts: readonly (Buffer | readonly number[])[]): void {
    for (const part of parts) this.socket.write(Buffer.from(part));
  }

  /** The next `count` bytes, or nothing when the server has ended the connection. */
  async receive(count: number): Promise<Buffer | undefined> {
    const target = Buffer.alloc(count);
    return (await this.#input.fill(target)) ? target : undefined;
  }

  /** Ends with the greeting read and fixed newstyle without zeros agreed on. */
  async greet(flags = 3): Promise<void> {
    await this.receive(18);
    this.send(uint32(flags));
  }

  sendOption(type: number, data: Buffer = Buffer.alloc(0)): void {
    this.send(Buffer.from('IHAVEOPT'), uint32(type), uint32(data.length), data);
  }

  /** Sends an option and gives the types of its replies and their data, to the final one. */
  async ask(type: number, data?: Buffer): Promise<{ type: number; data: Buffer }[]> {
    this.sendOption(type, data);
    const replies: { type: number; data: Buffer }[] = [];
    for (;;) {
      const head = await this.receive(20);
      if (head === undefined) return replies;
      const reply = await this.receive(head.readUInt32BE(16));
      if (reply === undefined) return replies;
      const replyType = head.readUInt32BE(12);
      replies.push({ type: replyType, data: reply });
      if (replyType === 1 || replyType >= 2 ** 31) return replies;
    }
  }

  /** Goes to the transmission phase of `name`. */
  async go(name: string, options: { structured?: boolean } = {}): Promise<void> {
    await this.greet();
    if (options.structured === true) await this.ask(8);
    await this.ask(7, exportQuery(name));
  }

  request(request: Partial<RawRequest>): void {
    const { magic, flags, type, cookie, offset, length } = { ...emptyRequest, ...request };
    const head = Buffer.alloc(28);
    head.writeUInt32BE(magic, 0);
    head.writeUInt16BE(flags, 4);
    head.writeUInt16BE(type, 6);
    head.writeBigUInt64BE(cookie, 8);
    head.writeBigUInt64BE(offset, 16);
    head.writeUInt32BE(length, 24);
    this.send(head);
  }

  /** The error of the next simple reply, whose cookie must be `cookie`. */
  async simpleReply(cookie: bigint): Promise<number | undefined> {
    const head = await this.receive(16);
    if (head === undefined) return undefined;
    if (head.readUInt32BE(0) !== 0x67446698 || head.readBigUInt64BE(8) !== cookie) return -1;
    return head.readUInt32BE(4);
  }
}

export interface RawRequest {
  readonly magic: number;
  readonly flags: number;
  readonly type: number;
  readonly cookie: bigint;
  readonly offset: bigint;
  readonly length: number;
}

const emptyRequest: RawRequest = {
  magic: 0x25609513,
  flags: 0,
  type: 0,
  cookie: 1n,
  offset: 0n,
  length: 0,
};

/** A request without extended headers (nbd/doc/proto.md, "Request message"). */
export function requestBytes(type: number, offset: number, length: number, cookie: number): Buffer {
  const head = Buffer.alloc(28);
  head.writeUInt32BE(0x25609513, 0);
  head.writeUInt16BE(type, 6);
  head.writeBigUInt64BE(BigInt(cookie), 8);
  head.writeBigUInt64BE(BigInt(offset), 16);
  head.writeUInt32BE(length, 24);
  return head;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Hexadecimal digits without the spaces between the fields. */
export function hex(spaced: string): string {
  return spaced.replaceAll(' ', '');
}

/** The data of INFO and GO. */
export function exportQuery(name: string, infos: readonly number[] = []): Buffer {
  const tail = Buffer.alloc(2 + infos.length * 2);
  tail.writeUInt16BE(infos.length, 0);
  for (const [index, info] of infos.entries()) tail.writeUInt16BE(info, 2 + index * 2);
  return Buffer.concat([uint32(Buffer.byteLength(name)), Buffer.from(name), tail]);
}

/** The data of LIST_META_CONTEXT and SET_META_CONTEXT. */
export function contextQuery(name: string, queries: readonly string[]): Buffer {
  const parts = [uint32(Buffer.byteLength(name)), Buffer.from(name), uint32(queries.length)];
  for (const query of queries) parts.push(uint32(Buffer.byteLength(query)), Buffer.from(query));
  return Buffer.concat(parts);
}

/** How long anything may take before a test says that it is stuck. */
const patienceMs = 180_000;

/** Waits, a turn of the event loop at a time, until `holds`; rejects when that does not come. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

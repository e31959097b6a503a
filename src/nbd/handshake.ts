/**
 * The handshake: fixed newstyle negotiation, from the greeting to the chosen export.
 *
 * States: greeted → haggling → done. Invariants: one option at a time is read and answered; of its
 * data nothing is kept; after STARTTLS nothing that was said before counts. Where TLS is
 * required, nothing but STARTTLS and ABORT is answered before it. A peer that breaks the form of
 * the protocol (magic, sizes, flags) is left without an answer.
 */
import type { BlockDevice } from '../volume/block-device.ts';
import type { Channel } from './channel.ts';
import type { Choice } from './choice.ts';
import type { NbdLimits } from './limits.ts';
import * as reply from './option.ts';
import {
  clientFlagsBytes,
  encodeOptionReply,
  greetingMagic,
  handshakeFlag,
  info,
  option,
  optionHeaderBytes,
  optionMagicHigh,
  optionMagicLow,
  optionReply,
} from './wire.ts';

/** What a handshake agreed on. */
export interface Session {
  readonly channel: Channel;
  readonly device: BlockDevice;
  /** Whether replies come in chunks, which is so with extended headers too. */
  readonly structured: boolean;
  readonly extended: boolean;
  /** Whether BLOCK_STATUS may be asked. */
  readonly allocation: boolean;
}

/** Goes on in TLS; gives the channel inside it, or nothing when the peer cannot do it. */
export type StartTls = (channel: Channel) => Promise<Channel | undefined>;

export interface HandshakeParts {
  readonly choice: Choice;
  readonly limits: NbdLimits;
  /** Where it is there, TLS is required. */
  readonly startTls?: StartTls | undefined;
  /** Hears why a device could not be opened. */
  readonly onFault: (error: unknown) => void;
}

/** The session, or the reason why there is none. */
export type HandshakeEnd = Session | string;

const unfinished = Symbol('unfinished');
type Step = HandshakeEnd | typeof unfinished;

export class Handshake {
  readonly #parts: HandshakeParts;
  #channel: Channel;
  #fixed = false;
  #padded = true;
  #secure = false;
  #structured = false;
  #extended = false;
  #allocationName: string | undefined;

  constructor(channel: Channel, parts: HandshakeParts) {
    this.#channel = channel;
    this.#parts = parts;
  }

  async run(): Promise<HandshakeEnd> {
    const greeting = Buffer.alloc(greetingMagic.length + 2);
    greetingMagic.copy(greeting);
    const flags = handshakeFlag.fixedNewstyle | handshakeFlag.noZeroes;
    greeting.writeUInt16BE(flags, greetingMagic.length);
    this.#channel.send(greeting);
    const answer = await this.#read(clientFlagsBytes);
    if (answer === undefined) return 'left during the handshake';
    const clientFlags = answer.readUInt32BE(0);
    if (clientFlags > flags) return 'unknown client flags';
    this.#fixed = (clientFlags & handshakeFlag.fixedNewstyle) !== 0;
    this.#padded = (clientFlags & handshakeFlag.noZeroes) === 0;
    for (let count = 0; count < this.#parts.limits.optionsMax; count += 1) {
      const step = await this.#haggle();
      if (step !== unfinished) return step;
    }
    return 'too many options';
  }

  async #haggle(): Promise<Step> {
    const header = await this.#read(optionHeaderBytes);
    if (header === undefined) return 'left during the handshake';
    const high = header.readUInt32BE(0);
    const low = header.readUInt32BE(4);
    if (high !== optionMagicHigh || low !== optionMagicLow) return 'bad option magic';
    const type = header.readUInt32BE(8);
    const lengthBytes = header.readUInt32BE(12);
    if (lengthBytes > this.#parts.limits.optionBytesMax) return 'an option is too long';
    if (!this.#fixed && type !== option.exportName) return 'an option without fixed newstyle';
    const data = await this.#read(lengthBytes);
    return data === undefined ? 'left during the handshake' : this.#answer(type, data);
  }

  async #read(count: number): Promise<Buffer | undefined> {
    const input = this.#channel.input;
    if (!input.has(count) && !(await input.wait(count))) return undefined;
    return input.take(count);
  }

  #answer(type: number, data: Buffer): Step | Promise<Step> {
    if (type === option.abort) return this.#abort();
    if (this.#parts.startTls !== undefined && !this.#secure && type !== option.startTls) {
      if (type === option.exportName) return 'TLS is required';
      return this.#refuse(type, optionReply.errTlsRequired, 'TLS is required');
    }
    switch (type) {
      case option.exportName:
        return this.#exportName(data);
      case option.list:
        return this.#list(data);
      case option.startTls:
        return this.#startTls(data);
      case option.info:
      case option.go:
        return this.#go(type, data);
      case option.structuredReply:
        return this.#structuredReply(data);
      case option.extendedHeaders:
        return this.#extendedHeaders(data);
      case option.listMetaContext:
      case option.setMetaContext:
        return this.#metaContext(type, data);
      default:
        return this.#refuse(type, optionReply.errUnsupported, 'the option is not supported');
    }
  }

  #reply(type: number, replyType: number, data?: Buffer): typeof unfinished {
    this.#channel.send(encodeOptionReply(type, replyType, data));
    return unfinished;
  }

  #refuse(type: number, replyType: number, message: string): typeof unfinished {
    return this.#reply(type, replyType, Buffer.from(message));
  }

  #abort(): string {
    this.#reply(option.abort, optionReply.ack);
    return 'aborted the handshake';
  }

  /** This option knows no error replies: what cannot be served ends the connection. */
  async #exportName(data: Buffer): Promise<Step> {
    if (this.#extended) return 'EXPORT_NAME with extended headers';
    const name = reply.parseString(data);
    const device = name === undefined ? undefined : await this.#parts.choice.choose(name);
    if (name === undefined || device === undefined) return 'no such export';
    const form = { structured: this.#structured, padded: this.#padded };
    this.#channel.send(reply.encodeExportName(device, form));
    return this.#session(name, device);
  }

  /** Names are secrets, so the list is always empty. */
  #list(data: Buffer): Step {
    if (data.length > 0)
      return this.#refuse(option.list, optionReply.errInvalid, 'unexpected data');
    return this.#reply(option.list, optionReply.ack);
  }

  async #startTls(data: Buffer): Promise<Step> {
    const type = option.startTls;
    const { startTls } = this.#parts;
    if (data.length > 0) return this.#refuse(type, optionReply.errInvalid, 'unexpected data');
    if (startTls === undefined) {
      return this.#refuse(type, optionReply.errPolicy, 'TLS is not offered here');
    }
    if (this.#secure) return this.#refuse(type, optionReply.errInvalid, 'TLS is on already');
    if (this.#channel.input.has(1)) return 'bytes in clear behind STARTTLS';
    this.#reply(type, optionReply.ack);
    const secured = await startTls(this.#channel);
    if (secured === undefined) return 'the TLS handshake failed';
    this.#channel = secured;
    this.#secure = true;
    this.#structured = false;
    this.#extended = false;
    this.#allocationName = undefined;
    return unfinished;
  }

  async #go(type: number, data: Buffer): Promise<Step> {
    const query = reply.parseExportQuery(data);
    if (query === undefined) {
      return this.#refuse(type, optionReply.errInvalid, 'the option is malformed');
    }
    let device: BlockDevice | undefined;
    try {
      device = await this.#parts.choice.choose(query.name);
    } catch (error) {
      this.#parts.onFault(error);
      return this.#refuse(type, optionReply.errUnknown, 'the export cannot be opened');
    }
    if (device === undefined) return this.#refuse(type, optionReply.errUnknown, 'no such export');
    this.#reply(type, optionReply.info, reply.encodeExportInfo(device, this.#structured));
    if (query.infos.includes(info.blockSize)) {
      this.#reply(type, optionReply.info, reply.encodeBlockSizeInfo());
    }
    this.#reply(type, optionReply.ack);
    return type === option.go ? this.#session(query.name, device) : unfinished;
  }

  #structuredReply(data: Buffer): Step {
    const type = option.structuredReply;
    if (data.length > 0) return this.#refuse(type, optionReply.errInvalid, 'unexpected data');
    if (this.#extended) {
      const why = 'extended headers were chosen already';
      return this.#refuse(type, optionReply.errExtendedRequired, why);
    }
    this.#structured = true;
    return this.#reply(type, optionReply.ack);
  }

  #extendedHeaders(data: Buffer): Step {
    const type = option.extendedHeaders;
    if (data.length > 0) return this.#refuse(type, optionReply.errInvalid, 'unexpected data');
    this.#extended = true;
    this.#structured = true;
    return this.#reply(type, optionReply.ack);
  }

  #metaContext(type: number, data: Buffer): Step {
    const setting = type === option.setMetaContext;
    if (setting) this.#allocationName = undefined;
    const query = reply.parseContextQuery(data);
    if (query === undefined || !this.#structured) {
      const why = query === undefined ? 'the option is malformed' : 'structured replies come first';
      return this.#refuse(type, optionReply.errInvalid, why);
    }
    if (!this.#parts.choice.exists(query.name)) {
      return this.#refuse(type, optionReply.errUnknown, 'no such export');
    }
    if (setting && reply.selectsAllocation(query.queries)) {
      this.#allocationName = query.name;
      this.#reply(type, optionReply.metaContext, reply.encodeContext(reply.allocationContextId));
    }
    if (!setting && reply.listsAllocation(query.queries)) {
      this.#reply(type, optionReply.metaContext, reply.encodeContext(0));
    }
    return this.#reply(type, optionReply.ack);
  }

  #session(name: string, device: BlockDevice): Session {
    return {
      channel: this.#channel,
      device,
      structured: this.#structured,
      extended: this.#extended,
      allocation: this.#allocationName === name,
    };
  }
}

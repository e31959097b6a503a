import { OperatingError } from '../base/errors.ts';
import { readCertificates } from './nbd-certificates.ts';
import type { NbdSocket } from './nbd-socket.ts';
import type { NbdAddress, NbdTcpAddress } from './nbd-uri.ts';
import {
  encodeOption,
  encodeString,
  greeting,
  handshakeFlag,
  info,
  option,
  optionReply,
  optionReplyHeaderBytes,
  optionReplyMagic,
  transmissionFlag,
} from './nbd-wire.ts';

/** What the server said of the export. */
export interface NbdExport {
  readonly lengthBytes: number;
  readonly readOnly: boolean;
  readonly structured: boolean;
  /** The number of `base:allocation` in replies, if the server knows it. */
  readonly allocationId: number | undefined;
}

interface OptionAnswer {
  readonly type: number;
  readonly data: Buffer;
}

const allocationContext = 'base:allocation';
/** No answer to an option that is sent here is longer. */
const answerBytesMax = 64 * 1024;

/**
 * Begins TLS where the address asks for it, and chooses the export, with structured replies and
 * block status where the server has them. Where TLS is asked for, nothing goes on in clear.
 */
export async function negotiate(socket: NbdSocket, address: NbdAddress): Promise<NbdExport> {
  await greet(socket);
  if ('host' in address && address.secure !== undefined) await secure(socket, address);
  const { exportName } = address;
  const structured = accepted(await ask(socket, option.structuredReply, Buffer.alloc(0)));
  const allocationId = structured ? await selectAllocation(socket, exportName) : undefined;
  const answers = await ask(socket, option.go, Buffer.concat([encodeString(exportName), zero16]));
  if (!accepted(answers)) throw refused(answers);
  const found = answers.find(
    (part) => part.type === optionReply.info && part.data.readUInt16BE(0) === info.export,
  );
  if (found?.data.length !== 12) throw broken('the server does not say how long the export is');
  return {
    lengthBytes: Number(found.data.readBigUInt64BE(2)),
    readOnly: (found.data.readUInt16BE(10) & transmissionFlag.readOnly) !== 0,
    structured,
    allocationId,
  };
}

async function greet(socket: NbdSocket): Promise<void> {
  const hello = await socket.read(18);
  if (!hello.subarray(0, 16).equals(greeting)) throw broken('the server does not speak NBD');
  const flags = hello.readUInt16BE(16);
  if ((flags & handshakeFlag.fixedNewstyle) === 0) throw broken('the server is too old');
  const answer = Buffer.alloc(4);
  answer.writeUInt32BE(flags & (handshakeFlag.fixedNewstyle | handshakeFlag.noZeroes));
  socket.write(answer);
}

async function secure(socket: NbdSocket, address: NbdTcpAddress): Promise<void> {
  const certificates = await readCertificates(address.secure?.certificates);
  const answers = await ask(socket, option.startTls, Buffer.alloc(0));
  if (!accepted(answers)) {
    const reason = answers.at(-1)?.data.toString() ?? '';
    throw new OperatingError('unavailable', `the NBD server does not begin TLS: ${reason}`);
  }
  await socket.startTls(address.host, certificates);
}

const zero16 = Buffer.alloc(2);

async function selectAllocation(
  socket: NbdSocket,
  exportName: string,
): Promise<number | undefined> {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(1);
  const query = Buffer.concat([encodeString(exportName), count, encodeString(allocationContext)]);
  const answers = await ask(socket, option.setMetaContext, query);
  if (!accepted(answers)) return undefined;
  const context = answers.find(
    (part) =>
      part.type === optionReply.metaContext && part.data.toString('utf8', 4) === allocationContext,
  );
  return context?.data.readUInt32BE(0);
}

/** All replies to one option, the final one last. */
async function ask(socket: NbdSocket, type: number, data: Buffer): Promise<OptionAnswer[]> {
  socket.write(encodeOption(type, data));
  const answers: OptionAnswer[] = [];
  for (;;) {
    const head = await socket.read(optionReplyHeaderBytes);
    const lengthBytes = head.readUInt32BE(16);
    const fits = head.readBigUInt64BE(0) === optionReplyMagic && head.readUInt32BE(8) === type;
    if (!fits || lengthBytes > answerBytesMax) throw broken('the server answers nonsense');
    const answer = { type: head.readUInt32BE(12), data: await socket.read(lengthBytes) };
    answers.push(answer);
    if (answer.type === optionReply.ack || answer.type >= optionReply.errorBit) return answers;
  }
}

function accepted(answers: readonly OptionAnswer[]): boolean {
  return answers.at(-1)?.type === optionReply.ack;
}

function refused(answers: readonly OptionAnswer[]): OperatingError {
  const last = answers.at(-1);
  const reason = last?.data.toString() ?? '';
  const unknown = last?.type === optionReply.errorBit + 6;
  return new OperatingError(
    unknown ? 'not_found' : 'unavailable',
    `the NBD server refuses the export: ${reason}`,
  );
}

function broken(message: string): OperatingError {
  return new OperatingError('io', message);
}

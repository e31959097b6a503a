import { info, stringBytesMax, writeUInt64 } from './wire.ts';
import { requestBytesMax } from '../volume/block-device.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { transmissionFlag } from './wire.ts';

/** The only metadata context that is served, and the number that stands for it in replies. */
export const allocationContext = 'base:allocation';
export const allocationContextId = 1;

/** What INFO and GO carry. */
export interface ExportQuery {
  readonly name: string;
  readonly infos: readonly number[];
}

/** What LIST_META_CONTEXT and SET_META_CONTEXT carry. */
export interface ContextQuery {
  readonly name: string;
  readonly queries: readonly string[];
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A string of the protocol: UTF-8, at most 4096 bytes, no NUL; nothing when it is none. */
export function parseString(bytes: Buffer): string | undefined {
  if (bytes.length > stringBytesMax || bytes.includes(0)) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A string with its length of 32 bits before it, at `at`; nothing when it reaches past the end. */
function stringAt(data: Buffer, at: number): { text: string; end: number } | undefined {
  if (at + 4 > data.length) return undefined;
  const end = at + 4 + data.readUInt32BE(at);
  if (end > data.length) return undefined;
  const text = parseString(data.subarray(at + 4, end));
  return text === undefined ? undefined : { text, end };
}

export function parseExportQuery(data: Buffer): ExportQuery | undefined {
  const name = stringAt(data, 0);
  if (name === undefined || name.end + 2 > data.length) return undefined;
  const count = data.readUInt16BE(name.end);
  if (name.end + 2 + count * 2 !== data.length) return undefined;
  const infos: number[] = [];
  for (let at = name.end + 2; at < data.length; at += 2) infos.push(data.readUInt16BE(at));
  return { name: name.text, infos };
}

export function parseContextQuery(data: Buffer): ContextQuery | undefined {
  const name = stringAt(data, 0);
  if (name === undefined || name.end + 4 > data.length) return undefined;
  const count = data.readUInt32BE(name.end);
  const queries: string[] = [];
  let at = name.end + 4;
  while (queries.length < count) {
    const query = stringAt(data, at);
    if (query === undefined) return undefined;
    queries.push(query.text);
    at = query.end;
  }
  return at === data.length ? { name: name.text, queries } : undefined;
}

/** Whether `base:allocation` is listed: asked for by name or wildcard, or when nothing is asked. */
export function listsAllocation(queries: readonly string[]): boolean {
  return queries.length === 0 || queries.includes('base:') || selectsAllocation(queries);
}

export function selectsAllocation(queries: readonly string[]): boolean {
  return queries.includes(allocationContext);
}

export function encodeContext(id: number): Buffer {
  const data = Buffer.alloc(4 + allocationContext.length);
  data.writeUInt32BE(id, 0);
  data.write(allocationContext, 4, 'latin1');
  return data;
}

/** What a client may send for this device. All connections share one device, hence multi-conn. */
export function transmissionFlagsOf(device: BlockDevice, structured: boolean): number {
  const flag = transmissionFlag;
  let flags = flag.hasFlags | flag.sendFlush | flag.sendFua | flag.canMultiConn | flag.sendCache;
  if (structured) flags |= flag.sendDf;
  if (device.readOnly) return flags | flag.readOnly;
  return flags | flag.sendTrim | flag.sendWriteZeroes | flag.sendFastZero;
}

export function encodeExportInfo(device: BlockDevice, structured: boolean): Buffer {
  const data = Buffer.alloc(12);
  data.writeUInt16BE(info.export, 0);
  writeUInt64(data, device.lengthBytes, 2);
  data.writeUInt16BE(transmissionFlagsOf(device, structured), 10);
  return data;
}

/** Any byte can be addressed, whole sectors are cheapest. */
export function encodeBlockSizeInfo(): Buffer {
  const data = Buffer.alloc(14);
  data.writeUInt16BE(info.blockSize, 0);
  data.writeUInt32BE(1, 2);
  data.writeUInt32BE(4096, 6);
  data.writeUInt32BE(requestBytesMax, 10);
  return data;
}

/** The answer to EXPORT_NAME, which has no header; old clients want zeros behind it. */
export function encodeExportName(
  device: BlockDevice,
  options: { structured: boolean; padded: boolean },
): Buffer {
  const reply = Buffer.alloc(options.padded ? 10 + 124 : 10);
  writeUInt64(reply, device.lengthBytes, 0);
  reply.writeUInt16BE(transmissionFlagsOf(device, options.structured), 8);
  return reply;
}

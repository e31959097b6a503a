import { KiB } from '../base/bytes.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Session } from './handshake.ts';
import { plainReadBytesOf, sparseReadBytesMin, writePlainReadHead } from './read-reply.ts';
import { command, type Request } from './wire.ts';

/** Longer reads are copied, while the client takes in what was copied before. */
const fromMemoryBytesMax = 256 * KiB;
/** What is copied at a time where that must be: the memory that such a read holds. */
export const copiedBytes = 64 * KiB;

export interface FromMemoryParts {
  readonly pool: BufferPool;
  /** True once nobody waits for the answer. */
  readonly isOver: () => boolean;
}

/** True for a long read whose bytes the page cache has, from where a socket can take them. */
export function isFromMemory({ channel, device }: Session, request: Request): boolean {
  const { type, offsetBytes, lengthBytes } = request;
  if (type !== command.read || lengthBytes < sparseReadBytesMin) return false;
  if (lengthBytes > fromMemoryBytesMax || !channel.canSendParts) return false;
  return device.immediate?.locate?.(offsetBytes, lengthBytes) !== undefined;
}

/**
 * Answers a long read from the page cache, of which the socket gets the pages themselves, so that
 * the bytes are copied once, by the client. Until it has taken them they are not those of the
 * instant of the read, but of some instant between request and answer, which is all that NBD
 * promises of requests at the same time.
 *
 * What the socket does not take is copied into memory of ours, a piece at a time, which Node sends
 * when it can. So is what is not in the page cache any more. If that fails, this rejects: a part of
 * the answer has left, and the connection must end.
 */
export async function readFromMemory(
  session: Session,
  request: Request,
  { pool, isOver }: FromMemoryParts,
): Promise<void> {
  const { channel, device } = session;
  const { offsetBytes, lengthBytes } = request;
  const head = Buffer.allocUnsafe(plainReadBytesOf(session, request) - lengthBytes);
  writePlainReadHead(head, 0, session, request);
  await channel.sendParts(async () => {
    await channel.sendPart(head);
    for (let done = 0; done < lengthBytes && !isOver();) {
      done += sendLocated(session, offsetBytes + done, lengthBytes - done);
      if (done === lengthBytes) return;
      const piece = pool.lend(Math.min(copiedBytes, lengthBytes - done));
      await device.read(offsetBytes + done, piece);
      await channel.sendPart(piece);
      pool.giveBack(piece);
      done += piece.length;
    }
  });
}

/** The bytes that the socket has taken from the page cache. */
function sendLocated(
  { channel, device }: Session,
  offsetBytes: number,
  lengthBytes: number,
): number {
  let done = 0;
  for (const range of device.immediate?.locate?.(offsetBytes, lengthBytes) ?? []) {
    const sent = channel.sendFile(range);
    done += sent;
    if (sent < range.lengthBytes) break;
  }
  return done;
}

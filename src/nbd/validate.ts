import { requestBytesMax } from '../volume/block-device.ts';
import { errno, type Refusal } from './errno.ts';
import type { Session } from './handshake.ts';
import { command, commandFlag, type Request } from './wire.ts';

const changes: ReadonlySet<number> = new Set([command.write, command.trim, command.writeZeroes]);

/** The flags that may be set for a command; nothing for a command that is not served. */
function flagsAllowed(request: Request, structured: boolean): number | undefined {
  switch (request.type) {
    case command.read:
      return commandFlag.fua | (structured ? commandFlag.df : 0);
    case command.write:
      return commandFlag.fua | (request.extended ? commandFlag.payloadLength : 0);
    case command.flush:
    case command.trim:
    case command.cache:
      return commandFlag.fua;
    case command.writeZeroes:
      return commandFlag.fua | commandFlag.noHole | commandFlag.fastZero;
    case command.blockStatus:
      return commandFlag.fua | commandFlag.reqOne;
    default:
      return undefined;
  }
}

function invalid(message: string): Refusal {
  return { errno: errno.EINVAL, message };
}

/**
 * Why a request must not reach the device, if it must not. Everything that the device asserts of
 * its callers is doubted here, with the error values that proto.md asks for ("Error values").
 */
export function refusalOfRequest(
  request: Request,
  session: Pick<Session, 'device' | 'structured' | 'allocation'>,
): Refusal | undefined {
  const { type, flags, offsetBytes, lengthBytes } = request;
  const { device, structured, allocation } = session;
  const allowed = flagsAllowed(request, structured);
  if (allowed === undefined) return invalid('the command is not known');
  if ((flags & ~allowed) !== 0) return invalid('a flag is not known for the command');
  if (type === command.write && request.payloadBytes !== lengthBytes) {
    return invalid('a write carries its data');
  }
  if (changes.has(type) && device.readOnly) {
    return { errno: errno.EPERM, message: 'the export is read-only' };
  }
  if (type === command.flush) {
    const empty = offsetBytes === 0 && lengthBytes === 0;
    return empty ? undefined : invalid('a flush has no range');
  }
  if (offsetBytes + lengthBytes > device.lengthBytes) {
    const message = 'the range reaches past the end of the export';
    const grows = type === command.write || type === command.writeZeroes;
    return { errno: grows ? errno.ENOSPC : errno.EINVAL, message };
  }
  if (type === command.read && lengthBytes > requestBytesMax) {
    const message = 'too long a read';
    return structured ? { errno: errno.EOVERFLOW, message } : invalid(message);
  }
  if (type !== command.blockStatus) return undefined;
  if (!allocation) return invalid('no metadata context was selected');
  return lengthBytes === 0 ? invalid('the range is empty') : undefined;
}

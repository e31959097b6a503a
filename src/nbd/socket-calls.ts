import { bindNative } from '../base/native-library.ts';
import type { MemoryRange } from '../base/memory-range.ts';

/** recv(2), send(2), sendfile(2) on a socket that never waits, and what it holds for its peer. */
export interface SocketCalls {
  /** The bytes received; 0 at the peer's end, negative when there is nothing, or a failure. */
  receive(descriptor: number, target: Uint8Array): number;
  /** The bytes that were taken; negative when none were. */
  send(descriptor: number, bytes: Uint8Array): number;
  /**
   * Like `send`, of bytes that a file has, from the page cache: they are not copied, and the peer
   * gets what is there when it takes them.
   */
  sendFile(descriptor: number, bytes: MemoryRange): number;
  /** Has the kernel hold up to so many bytes for the peer, or as many as the host allows. */
  holdUpTo(descriptor: number, bytes: number): void;
}

type Transfer = (fd: number, bytes: Uint8Array, lengthBytes: number, flags: number) => number;

type SendFile = (to: number, from: number, position: BigInt64Array, lengthBytes: number) => number;

type SetOption = (
  fd: number,
  level: number,
  name: number,
  value: Int32Array,
  valueBytes: number,
) => number;

/** Options of sockets, and the size of what is held for sending (asm-generic/socket.h). */
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_SNDBUFFORCE = 32;
/** Never wait (bits/socket.h). */
const MSG_DONTWAIT = 0x40;
/** A peer that is gone is an error, and no signal (bits/socket.h). */
const MSG_NOSIGNAL = 0x4000;

/** Undefined where they are not to be had. */
export const socketCalls: SocketCalls | undefined = bindNative(({ library }) => {
  const types = ['int', 'void *', 'size_t', 'int'];
  const recv: Transfer = library.func('recv', 'int64', types);
  const send: Transfer = library.func('send', 'int64', types);
  const sendfile: SendFile = library.func('sendfile64', 'int64', [
    'int',
    'int',
    'void *',
    'size_t',
  ]);
  const optionTypes = ['int', 'int', 'int', 'void *', 'uint32'];
  const setOption: SetOption = library.func('setsockopt', 'int', optionTypes);
  return {
    holdUpTo: (descriptor, bytes) => {
      // A wish, beyond the host's usual limit where Firn may: with less, what the peer does not
      // take at once takes more calls.
      const value = Int32Array.of(bytes);
      if (setOption(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, value, 4) === 0) return;
      setOption(descriptor, SOL_SOCKET, SO_SNDBUF, value, 4);
    },
    sendFile: (descriptor, bytes) => {
      const position = BigInt64Array.of(BigInt(bytes.positionBytes));
      return sendfile(descriptor, bytes.descriptor, position, bytes.lengthBytes);
    },
    receive: (descriptor, target) => recv(descriptor, target, target.byteLength, MSG_DONTWAIT),
    send: (descriptor, bytes) =>
      send(descriptor, bytes, bytes.byteLength, MSG_DONTWAIT | MSG_NOSIGNAL),
  };
});

import { KiB, MiB } from '../base/bytes.ts';

/**
 * What peers may use up. Requests of at most `smallRequestBytesMax` draw on memory that belongs to
 * their connection alone, so that no other client can keep them waiting; longer ones share
 * `sharedBytesMax`. The server's memory in flight stays below
 * `connectionsMax` × `ownBytesMax` + `sharedBytesMax`. Where a limit on memory or requests is
 * reached, the connection is not read any further until something was answered.
 */
export interface NbdLimits {
  /** Connections in any state; the next one is closed at once. */
  readonly connectionsMax: number;
  /** Of those, connections that have not chosen an export yet. */
  readonly handshakesMax: number;
  readonly handshakeTimeoutMs: number;
  readonly optionsMax: number;
  readonly optionBytesMax: number;
  /** Requests of one connection that are not answered, or whose answer the client has not taken. */
  readonly requestsMax: number;
  readonly smallRequestBytesMax: number;
  readonly ownBytesMax: number;
  /** The part of `sharedBytesMax` that one connection may hold. */
  readonly largeBytesMax: number;
  readonly sharedBytesMax: number;
  /** A client that owes a payload, or does not take an answer, for this long (or twice) is cut. */
  readonly stallTimeoutMs: number;
  /** How long the end of the server waits for clients to take their answers. */
  readonly closeTimeoutMs: number;
}

export const defaultLimits: NbdLimits = {
  connectionsMax: 512,
  handshakesMax: 128,
  handshakeTimeoutMs: 10_000,
  optionsMax: 64,
  optionBytesMax: 64 * KiB,
  requestsMax: 128,
  smallRequestBytesMax: 128 * KiB,
  ownBytesMax: 1 * MiB,
  largeBytesMax: 32 * MiB,
  sharedBytesMax: 256 * MiB,
  stallTimeoutMs: 60_000,
  closeTimeoutMs: 10_000,
};

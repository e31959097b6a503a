/** Bytes of a file that the page cache has. */
export interface MemoryRange {
  /** Open until the turn of the event loop ends. */
  readonly descriptor: number;
  readonly positionBytes: number;
  readonly lengthBytes: number;
}

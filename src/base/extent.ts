/**
 * `data`: bytes are stored. `zero`: known to read as zeros. `absent`: never written; reads as
 * zeros.
 */
export type ExtentKind = 'data' | 'zero' | 'absent';

/** A run of bytes of one kind. */
export interface Extent {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly kind: ExtentKind;
}

/**
 * Adds an extent to the end of an ordered list and joins it with the last one where both touch and
 * are alike.
 */
export function appendExtent(extents: Extent[], next: Extent): void {
  if (next.lengthBytes === 0) return;
  const last = extents.at(-1);
  const touches =
    last !== undefined &&
    last.kind === next.kind &&
    last.offsetBytes + last.lengthBytes === next.offsetBytes;
  if (!touches) {
    extents.push(next);
    return;
  }
  extents[extents.length - 1] = {
    offsetBytes: last.offsetBytes,
    lengthBytes: last.lengthBytes + next.lengthBytes,
    kind: last.kind,
  };
}

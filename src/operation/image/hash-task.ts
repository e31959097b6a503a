/** What the thread that hashes images is told, and answers. */
export type HashTask =
  | { readonly id: number; readonly kind: 'chunk'; readonly chunk: Uint8Array }
  /** The thread answers with the digests, and forgets the hash. */
  | { readonly id: number; readonly kind: 'digest' }
  | { readonly id: number; readonly kind: 'drop' }
  /** Nothing comes any more: the thread ends. */
  | { readonly id: number; readonly kind: 'end' };

/** Of a chunk that was taken, or of the whole. */
export interface HashAnswer {
  readonly id: number;
  readonly digests?: Digests;
}

/** In hexadecimal. */
export interface Digests {
  readonly md5: string;
  readonly sha512: string;
}

import type * as layer from '../layer/backing.ts';

/** What fills a layer that is not whole yet, and where that comes from; see `src/layer/`. */
export type Backing = layer.Backing;
export type BackingSource = layer.BackingSource;

/** A layer that is still being filled from its backup, as of now. */
export interface BackedFacts {
  readonly layerId: string;
  readonly backing: Backing;
  /** The volumes whose bytes come through it. */
  readonly volumeIds: readonly string[];
}

/**
 * The layers of an engine that are not whole yet (`backed-layer.ts`), for whoever fills them in the
 * background. Rejects with `not_found` for a layer that is gone, or is whole.
 */
export interface Hydration {
  backedLayers(): Promise<BackedFacts[]>;
  /**
   * What the backup holds and the layer lacks of the 64 MiB that begin at `offsetBytes`, in whole
   * blocks.
   */
  missing(
    layerId: string,
    offsetBytes: number,
  ): Promise<{ offsetBytes: number; lengthBytes: number }[]>;
  /**
   * Takes whole blocks of the backup; others may fill in the same. Answers how many requests guests
   * have made so far: while that grows, whoever fills steps back.
   */
  fill(layerId: string, offsetBytes: number, content: Uint8Array): Promise<number>;
  /**
   * Makes durable what was filled in, and notes that all before `doneBytes` is there. At the end of
   * the backup the layer becomes one like any other. After a failure what came after the last
   * `advance` may be missing again.
   */
  advance(layerId: string, doneBytes: number): Promise<void>;
}

/**
 * Something that backs up a disk image. All contenders do the same work on the same bytes in the
 * same run; each step's time is the wall time of the whole step, as a user would wait for it.
 */
export interface Contender {
  readonly name: string;
  /** Makes its repository in an empty folder of its own, and takes in the image. Not timed. */
  prepare(image: Image): Promise<void>;
  /** A first backup of everything. */
  full(): Promise<Step>;
  /** Told which bytes of the image have changed, as a guest would have changed them. Not timed. */
  change(writes: readonly Write[]): Promise<void>;
  /** A backup after a change; undefined: it can only make full ones. */
  incremental(): Promise<Step | undefined>;
  /** A backup after no change. */
  unchanged(): Promise<Step | undefined>;
  /** The newest backup, as a new disk image or volume, on the disk and not only in memory. */
  restore(): Promise<Step>;
  /** A snapshot of the disk as it is; undefined: not its trade. */
  snapshot(): Promise<Step | undefined>;
  /** Throws unless what was restored is the image. Not timed. */
  check(): Promise<void>;
  close(): Promise<void>;
}

export interface Image {
  readonly path: string;
  readonly lengthBytes: number;
  /** How many of its bytes, from the start, hold data; the rest is a hole. */
  readonly dataBytes: number;
}

export interface Write {
  readonly offsetBytes: number;
  readonly data: Buffer;
}

export interface Step {
  readonly seconds: number;
  /** The most memory of the working process; 0 where it is not known. */
  readonly peakBytes: number;
  /** What the repository takes on disk afterwards. */
  readonly storedBytes: number;
}

import { blockBytes } from '../repository/block.ts';
import type { BackupWriter, Chunk, Piece } from '../repository/writer.ts';

/** Reads what lies below: the parent's bytes, or zeros. */
export type ReadBase = (offsetBytes: number, target: Uint8Array) => Promise<void>;

/**
 * Makes whole blocks of bytes that come in the order of their offsets, at any place: the rest of a
 * block that is only partly written is what lies below.
 */
export class Assembler {
  readonly #writer: BackupWriter;
  readonly #readBase: ReadBase;
  #chunk: Chunk | undefined;
  #pieces: Piece[] = [];
  #used = 0;
  #block = -1;

  constructor(writer: BackupWriter, readBase: ReadBase) {
    this.#writer = writer;
    this.#readBase = readBase;
  }

  async write(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const at = offsetBytes + done;
      const block = Math.floor(at / blockBytes);
      const within = at - block * blockBytes;
      const count = Math.min(bytes.length - done, blockBytes - within);
      const target = await this.#blockAt(block, count === blockBytes);
      target.set(bytes.subarray(done, done + count), within);
      done += count;
    }
  }

  /** Hands over what is left. */
  finish(): void {
    if (this.#chunk !== undefined) this.#writer.submit(this.#chunk, this.#pieces);
    this.#chunk = undefined;
    this.#pieces = [];
    this.#used = 0;
  }

  async #blockAt(block: number, isWhole: boolean): Promise<Uint8Array> {
    const isNew = block !== this.#block;
    if (isNew) {
      const chunkIndex = (index: number): number =>
        Math.floor((index * blockBytes) / this.#writer.chunkBytes);
      if (chunkIndex(block) !== chunkIndex(this.#block)) this.finish();
      this.#block = block;
      this.#used += 1;
      this.#note(block * blockBytes);
    }
    const chunk = (this.#chunk ??= await this.#writer.reserve());
    const end = this.#used * blockBytes;
    const target = chunk.bytes.subarray(end - blockBytes, end);
    if (isNew && !isWhole) await this.#readBase(block * blockBytes, target);
    return target;
  }

  #note(offsetBytes: number): void {
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.offsetBytes + last.lengthBytes === offsetBytes) {
      this.#pieces[this.#pieces.length - 1] = {
        ...last,
        lengthBytes: last.lengthBytes + blockBytes,
      };
    } else this.#pieces.push({ offsetBytes, lengthBytes: blockBytes });
  }
}

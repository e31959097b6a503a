import { roundDown, MiB } from '../base/bytes.ts';
import { errnoOf } from '../base/errors.ts';
import { DirectWrites } from '../base/direct-writes.ts';
import { pageBytes } from '../base/page-memory.ts';
import {
  dropUnnamed,
  finishFile,
  openUnnamed,
  putFile,
  type UnnamedFile,
} from './directory-put.ts';

/** What is written ahead at a time: a disk that is told of less has more to do. */
const pieceBytes = 2 * MiB;

/**
 * A file that is written, past the page cache, while its content is still being put together: the
 * disk works meanwhile, and when the content is whole only its end is left. What cannot be written
 * ahead is left to `put`, which tells what is wrong.
 */
export class FileDraft {
  readonly #path: string;
  readonly #makeParents: () => Promise<void>;
  #file: UnnamedFile | undefined;
  #direct: DirectWrites | undefined;
  #writing: Promise<void> = Promise.resolve();
  #begunBytes = 0;
  /** The file has so many. */
  #writtenBytes = 0;
  #isOver = false;

  constructor(path: string, makeParents: () => Promise<void>) {
    this.#path = path;
    this.#makeParents = makeParents;
  }

  advance(content: Uint8Array): void {
    const start = this.#begunBytes;
    const end = roundDown(content.length, pageBytes);
    if (this.#isOver || end - start < pieceBytes) return;
    this.#begunBytes = end;
    this.#writing = this.#writing.then(() => this.#write(content.subarray(start, end), start));
  }

  async put(chunks: readonly Uint8Array[]): Promise<void> {
    const file = await this.#end();
    if (file === undefined) {
      await this.#makeParents();
      return await putFile(this.#path, chunks);
    }
    try {
      await finishFile(file, chunks, { path: this.#path, writtenBytes: this.#writtenBytes });
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      // Of a draft that took more than a day, a listing takes the file for left behind.
      await putFile(this.#path, chunks);
    }
  }

  async discard(): Promise<void> {
    const file = await this.#end();
    if (file !== undefined) await dropUnnamed(file);
  }

  /** Waits for what is under way, after which nothing is written ahead. */
  async #end(): Promise<UnnamedFile | undefined> {
    this.#isOver = true;
    await this.#writing;
    this.#direct?.close();
    const file = this.#file;
    this.#file = undefined;
    return file;
  }

  async #write(piece: Uint8Array, start: number): Promise<void> {
    if (start !== this.#writtenBytes) return;
    try {
      const direct = await this.#open();
      if (direct.takes(piece, start)) this.#writtenBytes += await direct.write(piece, start);
    } catch {
      // There is no file then, and `put` makes one.
    }
    this.#isOver ||= this.#writtenBytes !== start + piece.length;
  }

  async #open(): Promise<DirectWrites> {
    if (this.#direct !== undefined) return this.#direct;
    await this.#makeParents();
    this.#file = await openUnnamed(this.#path);
    this.#direct = new DirectWrites(this.#file.handle.fd);
    return this.#direct;
  }
}

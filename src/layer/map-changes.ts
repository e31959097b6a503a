import { PageChange } from './page-change.ts';
import type { SectorKind } from './sector.ts';

/** Changes of a map that are not in its file, in the order in which they were made. */
export class MapChanges {
  readonly #pages = new Map<number, PageChange>();
  #bytes = 0;

  /** About how much memory they take. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#pages.size === 0;
  }

  /** The pages that change, in order. */
  pages(): Iterable<number> {
    return Float64Array.from(this.#pages.keys()).sort();
  }

  has(page: number): boolean {
    return this.#pages.has(page);
  }

  /** Sets the sectors from `from` to before `to` of a page. */
  set(page: number, from: number, to: number, kind: SectorKind): void {
    let change = this.#pages.get(page);
    if (change === undefined) {
      change = new PageChange();
      this.#pages.set(page, change);
    } else this.#bytes -= change.sizeBytes;
    change.set(from, to, kind);
    this.#bytes += change.sizeBytes;
  }

  /** Sets all sectors of a page. */
  put(page: number, content: Uint8Array): void {
    const change = PageChange.toPage(content);
    this.#bytes += change.sizeBytes - (this.#pages.get(page)?.sizeBytes ?? 0);
    this.#pages.set(page, change);
  }

  /** True when all sectors from `from` to before `to` of a page have been set to this kind. */
  isAll(page: number, from: number, to: number, kind: SectorKind): boolean {
    return this.#pages.get(page)?.isAll(from, to, kind) === true;
  }

  /** Makes the changes of a page in its content. */
  applyTo(page: number, content: Uint8Array): void {
    this.#pages.get(page)?.applyTo(content);
  }
}

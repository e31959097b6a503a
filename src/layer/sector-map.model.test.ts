/** The map of a layer against plain arrays, with flushes, reads and failures at any moment. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import type { FileOperations, OpenFile } from './file-operations.ts';
import { FilePool } from './file-pool.ts';
import { pagesPerDirectory } from './map-format.ts';
import { pageBytes, pageSectors, setKinds } from './map-page.ts';
import { emptyMap } from './new-map.ts';
import { nodeFileOperations } from './node-file-operations.ts';
import { SectorMap } from './sector-map.ts';
import type { SectorKind } from './sector.ts';
import { absent, data, zero } from './sector.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? randomInt(2 ** 31));
const diskSectorBytes = 512;
/** Neighbours, others, and one of the second group: more than are written at the same time. */
const pages = [0, 1, 2, 40, 300, pagesPerDirectory + 7];
for (let page = 500; page < 542; page += 3) pages.push(page);
const wholePagesMax = 2;

/**
 * A file whose reads and writes take turns, are seen half done, and fail when they are told to.
 * What was not synced when a sync fails is clean afterwards and not durable, as in Linux.
 */
class SlowFile {
  readonly #durable: Map<number, Buffer>;
  readonly #now: Map<number, Buffer>;
  readonly #unsynced = new Set<number>();
  readonly #waits: () => boolean;
  /** The calls that change something until one fails. */
  failsIn = Infinity;

  constructor(durable: ReadonlyMap<number, Buffer>, waits: () => boolean = () => false) {
    this.#durable = new Map(durable);
    this.#now = new Map([...durable].map(([at, content]) => [at, Buffer.from(content)]));
    this.#waits = waits;
  }

  static empty(waits: () => boolean): SlowFile {
    const content = Buffer.from(emptyMap());
    const sectors = new Map<number, Buffer>();
    for (let at = 0; at < content.length; at += diskSectorBytes) {
      sectors.set(at, content.subarray(at, at + diskSectorBytes));
    }
    return new SlowFile(sectors, waits);
  }

  map(): SectorMap {
    const file: OpenFile = {
      read: async (target, position) => this.#read(target, position),
      readNow: (target, position) => {
        if (this.#waits()) return 'refused';
        for (let done = 0; done < target.byteLength; done += diskSectorBytes) {
          target.set(this.#sector(position + done), done);
        }
        return 'done';
      },
      write: async (content, position) => this.#write(content, position),
      datasync: async () => this.#sync(),
      truncate: async () => assert.fail('a map is never cut'),
      punch: async () => assert.fail('a map gets no holes'),
      allocatedBytes: async () => 0,
      sizeBytes: async () => Math.max(...this.#now.keys()) + diskSectorBytes,
      close: async () => undefined,
    };
    const operations: FileOperations = { ...nodeFileOperations, open: async () => file };
    return new SectorMap(new FilePool(operations).file('/map'), wholePagesMax);
  }

  /** After a power cut that takes all that was not synced. */
  afterPowerCut(): SlowFile {
    return new SlowFile(this.#durable);
  }

  #sector(at: number): Buffer {
    return this.#now.get(at) ?? Buffer.alloc(diskSectorBytes);
  }

  /** Some reads take longer than a whole flush, before, in or behind their middle. */
  async #read(target: Uint8Array, position: number): Promise<number> {
    const isLong = this.#waits() && this.#waits();
    const longAt = this.#waits() ? 0 : this.#waits() ? target.byteLength / 2 : target.byteLength;
    for (let done = 0; done <= target.byteLength; done += diskSectorBytes) {
      if (isLong && done === longAt) for (let turn = 0; turn < 60; turn += 1) await nextTurn();
      else if (this.#waits()) await nextTurn();
      if (done < target.byteLength) target.set(this.#sector(position + done), done);
    }
    return target.byteLength;
  }

  async #write(content: Uint8Array, position: number): Promise<void> {
    const fails = this.#fails();
    const end = fails ? content.byteLength / 2 : content.byteLength;
    for (let done = 0; done < end; done += diskSectorBytes) {
      const at = position + done;
      const half = diskSectorBytes / 4;
      const sector = Buffer.from(this.#sector(at));
      sector.set(content.subarray(done, done + half));
      this.#now.set(at, sector);
      this.#unsynced.add(at);
      if (this.#waits()) await nextTurn();
      sector.set(content.subarray(done + half, done + diskSectorBytes), half);
    }
    if (fails) throw new Error('made to fail');
  }

  async #sync(): Promise<void> {
    const some = [...this.#unsynced].map((at) => [at, Buffer.from(this.#sector(at))] as const);
    this.#unsynced.clear();
    while (this.#waits()) await nextTurn();
    if (this.#fails()) throw new Error('made to fail');
    for (const [at, content] of some) this.#durable.set(at, content);
  }

  #fails(): boolean {
    this.failsIn -= 1;
    return this.failsIn < 0;
  }
}

/** What the map is to say: the kinds of each page. */
type Kinds = ReadonlyMap<number, Uint8Array>;

function pageOf(kinds: Uint8Array): Buffer {
  const page = Buffer.alloc(pageBytes);
  for (let from = 0; from < pageSectors;) {
    const kind = ([absent, data, zero] as const).find((each) => each === kinds[from]) ?? absent;
    let to = from + 1;
    while (to < pageSectors && kinds[to] === kind) to += 1;
    setKinds(page, from, to, kind);
    from = to;
  }
  return page;
}

async function assertSays(map: SectorMap, kinds: Kinds, what: string): Promise<void> {
  for (const [page, expected] of kinds) {
    const found = (await map.readPage(page)) ?? new Uint8Array(pageBytes);
    assert.ok(pageOf(expected).equals(found), `page ${page} ${what}`);
  }
}

interface Mark {
  readonly page: number;
  readonly from: number;
  readonly to: number;
  readonly kind: SectorKind;
}

class Model {
  readonly #file: SlowFile;
  readonly #map: SectorMap;
  readonly #kinds = new Map(pages.map((page) => [page, new Uint8Array(pageSectors)]));
  /** What hears of marks while it runs. */
  readonly #reads = new Set<(mark: Mark) => void>();
  #work: Promise<unknown>[] = [];
  #flush: Promise<void> | undefined;

  constructor(waits: () => boolean) {
    this.#file = SlowFile.empty(waits);
    this.#map = this.#file.map();
  }

  /** Does something while others go on. */
  begin(work: () => Promise<void>): void {
    const running = work();
    running.catch(() => undefined);
    this.#work.push(running);
  }

  async mark(marks: readonly Mark[]): Promise<void> {
    for (const mark of marks) {
      const { page, from, to, kind } = mark;
      const base = page * pageSectors;
      while (!this.#map.prepareNow(page, page)) await this.#map.prepare(page, page);
      this.#map.set(base + from, base + to, kind);
      this.#kinds.get(page)?.fill(kind, from, to);
      for (const hear of this.#reads) hear(mark);
    }
  }

  /** A page that is kept shows every change. */
  async load(page: number): Promise<void> {
    for (let loads = 0; !this.#map.isLoaded(page, page); loads += 1) {
      assert.ok(loads < 20, 'a page that was loaded is there for whoever waited');
      await this.#map.load(page, page);
    }
    const expected = pageOf(this.#kinds.get(page) ?? assert.fail());
    assert.ok(expected.equals(this.#map.cachedPage(page) ?? assert.fail()), `page ${page}`);
  }

  /** What is read is of some moment between the beginning and the end. */
  async read(page: number): Promise<void> {
    const before = Uint8Array.from(this.#kinds.get(page) ?? assert.fail());
    const meanwhile: Mark[] = [];
    const hear = (mark: Mark): unknown => mark.page === page && meanwhile.push(mark);
    this.#reads.add(hear);
    const read = await this.#map.readPage(page);
    this.#reads.delete(hear);
    const found = Buffer.from(read ?? new Uint8Array(pageBytes));
    if (pageOf(before).equals(found)) return;
    const isOne = meanwhile.some(({ from, to, kind }) => {
      before.fill(kind, from, to);
      return pageOf(before).equals(found);
    });
    assert.ok(isOne, `page ${page} as it was at one moment`);
  }

  /** Writes what has changed; just that is in the file then. */
  async flush(): Promise<void> {
    while (this.#flush !== undefined) await this.#flush;
    const taken = this.#copy();
    this.#flush = this.#map.write(this.#map.take()).finally(() => {
      this.#flush = undefined;
    });
    await this.#flush;
    await assertSays(this.#file.afterPowerCut().map(), taken, 'in the file is as it was taken');
  }

  /** A flush that fails somewhere, after which the file counts; what it shows then, it keeps. */
  async failAndRevert(some: readonly Mark[], failsIn: number): Promise<void> {
    await this.end();
    const before = this.#copy();
    await this.mark([...some, { page: 1, from: 7, to: 9, kind: zero }]);
    const taken = this.#copy();
    this.#file.failsIn = failsIn;
    const outcome = await this.#map.write(this.#map.take()).then(
      () => 'written',
      () => 'failed',
    );
    await this.mark([{ page: 2, from: 0, to: pageSectors, kind: data }]);
    this.#file.failsIn = Infinity;
    await assertSays(this.#map, this.#kinds, 'after a failure is in memory');
    await this.#map.revert();
    for (const [page, kinds] of this.#kinds) {
      const found = (await this.#map.readPage(page)) ?? new Uint8Array(pageBytes);
      for (let index = 0; index < pageSectors; index += 1) {
        const kind = ((found[index >> 2] ?? 0) >> ((index & 3) * 2)) & 3;
        const [old, next] = [before.get(page)?.[index], taken.get(page)?.[index]];
        assert.ok(kind === next || (kind === old && outcome === 'failed'), `page ${page}`);
        kinds[index] = kind;
      }
    }
    await this.flush();
  }

  forget(): void {
    this.#map.shrink();
  }

  async end(): Promise<void> {
    const work = this.#work;
    this.#work = [];
    await Promise.all(work);
    await this.flush();
    await assertSays(this.#map, this.#kinds, 'is in memory');
    await nextTurn();
    const kept = pages.filter((page) => this.#map.isLoaded(page, page));
    assert.ok(kept.length <= wholePagesMax, 'memory keeps few pages whole');
    assert.equal(this.#map.changedBytes, 0);
  }

  #copy(): Kinds {
    return new Map([...this.#kinds].map(([page, kinds]) => [page, Uint8Array.from(kinds)]));
  }
}

const page = fc.oneof(fc.constantFrom(...pages), fc.constantFrom(0, 1, 539));
const marks = fc
  .record({
    page,
    from: fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: pageSectors - 1 })),
    length: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: pageSectors })),
    kind: fc.constantFrom<SectorKind>(absent, data, zero),
    times: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 700 })),
  })
  .map(({ page: at, from, length, kind, times }) =>
    Array.from({ length: times }, (_, index): Mark => {
      const first = (from + index * 5) % pageSectors;
      const size = times === 1 ? length : Math.min(length, 3);
      return { page: at, from: first, to: Math.min(pageSectors, first + size), kind };
    }),
  );

const step = fc.oneof(
  { weight: 6, arbitrary: marks.map((some) => (model: Model) => model.mark(some)) },
  {
    weight: 4,
    arbitrary: marks.map((some) => async (model: Model) => model.begin(() => model.mark(some))),
  },
  { weight: 3, arbitrary: page.map((at) => (model: Model) => model.load(at)) },
  {
    weight: 4,
    arbitrary: page.map((at) => async (model: Model) => model.begin(() => model.read(at))),
  },
  { weight: 2, arbitrary: fc.constant((model: Model) => model.flush()) },
  {
    weight: 3,
    arbitrary: fc.constant(async (model: Model) => model.begin(() => model.flush())),
  },
  { weight: 2, arbitrary: fc.constant(async (model: Model) => model.forget()) },
  { weight: 1, arbitrary: fc.constant((model: Model) => model.end()) },
  {
    weight: 5,
    arbitrary: fc.integer({ min: 1, max: 12 }).map((turns) => async () => {
      for (let turn = 0; turn < turns; turn += 1) await nextTurn();
    }),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(marks, fc.nat({ max: 5 })).map(
      ([some, failsIn]) =>
        (model: Model) =>
          model.failAndRevert(some, failsIn),
    ),
  },
);

test(`a map says what plain arrays say, whatever goes on (FIRN_TEST_SEED=${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 100, size: 'max' }),
      fc.infiniteStream(fc.boolean()),
      async (steps, turns) => {
        const model = new Model(() => turns.next().value ?? false);
        for (const each of steps) await each(model);
        await model.end();
      },
    ),
    { seed, numRuns: 60 },
  );
});

/** The map file under power cuts and flipped bits. */
import assert from 'node:assert/strict';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import type { FileOperations, OpenFile } from './file-operations.ts';
import { FilePool } from './file-pool.ts';
import { directoryAt, pageAt, pagesPerDirectory } from './map-format.ts';
import { kindAt, pageSectors } from './map-page.ts';
import { emptyMap } from './new-map.ts';
import { nodeFileOperations } from './node-file-operations.ts';
import { storedBytes } from './sealed-block.ts';
import { SectorMap } from './sector-map.ts';
import type { SectorKind } from './sector.ts';
import { absent, data, zero } from './sector.ts';

const diskSectorBytes = 512;

/** A file of which the power can be cut at any write, down to the sectors of a disk. */
class MemoryFile {
  readonly #durable = new Map<number, Buffer>();
  /** What was written since the last sync, in order. */
  #pending: { at: number; content: Buffer }[] = [];

  /** The map of an empty layer, durable. */
  static empty(): MemoryFile {
    const content = Buffer.from(emptyMap());
    const starts = Array.from({ length: content.length / diskSectorBytes }, (_, index) => index);
    return MemoryFile.of(
      starts.map((index) => {
        const at = index * diskSectorBytes;
        return [at, content.subarray(at, at + diskSectorBytes)];
      }),
    );
  }

  static of(sectors: Iterable<readonly [number, Buffer]>): MemoryFile {
    const file = new MemoryFile();
    for (const [at, content] of sectors) file.#durable.set(at, content);
    return file;
  }

  /** All sectors as they are now. */
  sectors(): Map<number, Buffer> {
    const now = new Map(this.#durable);
    for (const { at, content } of this.#pending) now.set(at, content);
    return now;
  }

  /** The file after a power cut: each write since the last sync may have reached the disk. */
  afterPowerCut(survives: () => boolean): MemoryFile {
    const now = new Map(this.#durable);
    for (const { at, content } of this.#pending) if (survives()) now.set(at, content);
    return MemoryFile.of(now);
  }

  pool(onWrite: () => void = () => undefined): FilePool {
    const file: OpenFile = {
      read: async (target, position) => {
        const size = await file.sizeBytes();
        const sectors = this.sectors();
        target.fill(0);
        const count = Math.max(0, Math.min(target.byteLength, size - position));
        for (let done = 0; done < count; done += diskSectorBytes) {
          const content = sectors.get(position + done);
          if (content !== undefined) target.set(content.subarray(0, count - done), done);
        }
        return count;
      },
      write: async (content, position) => {
        for (let done = 0; done < content.byteLength; done += diskSectorBytes) {
          const piece = Buffer.from(content.subarray(done, done + diskSectorBytes));
          this.#pending.push({ at: position + done, content: piece });
        }
        onWrite();
      },
      datasync: async () => {
        onWrite();
        for (const { at, content } of this.#pending) this.#durable.set(at, content);
        this.#pending = [];
      },
      truncate: async () => assert.fail('a map is never cut'),
      punch: async () => assert.fail('a map gets no holes'),
      allocatedBytes: () => file.sizeBytes(),
      sizeBytes: async () =>
        Math.max(0, ...[...this.sectors().keys()].map((at) => at + diskSectorBytes)),
      close: async () => undefined,
    };
    const operations: FileOperations = { ...nodeFileOperations, open: async () => file };
    return new FilePool(operations);
  }

  map(onWrite?: () => void): SectorMap {
    return new SectorMap(this.pool(onWrite).file('/map'));
  }
}

/** Pages of the first two groups, and a sector in two units of each. */
const pages = [0, 1, 300, pagesPerDirectory + 7];
const places = pages.flatMap((page) => [page * pageSectors + 5, page * pageSectors + 9000]);

const change = fc.record({
  place: fc.nat({ max: places.length - 1 }),
  kind: fc.constantFrom<SectorKind>(absent, data, zero),
});

async function readKinds(map: SectorMap): Promise<SectorKind[]> {
  const kinds: SectorKind[] = [];
  for (const sector of places) {
    const page = await map.readPage(Math.floor(sector / pageSectors));
    kinds.push(page === undefined ? absent : kindAt(page, sector % pageSectors));
  }
  return kinds;
}

async function mark(map: SectorMap, place: number, kind: SectorKind): Promise<void> {
  const sector = places[place] ?? 0;
  const page = Math.floor(sector / pageSectors);
  await map.load(page, page);
  map.set(sector, sector + 1, kind);
}

test('a power cut at any write of a flush leaves each mark old or new, and no damage', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(change, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.boolean()),
      async (flushes, survivals) => {
        const file = MemoryFile.empty();
        const cuts: MemoryFile[] = [];
        const survives = (): boolean => survivals.next().value ?? false;
        const map = file.map(() => cuts.push(file.afterPowerCut(survives)));
        await map.open();
        for (const changes of flushes) {
          const before = await readKinds(map);
          for (const { place, kind } of changes) await mark(map, place, kind);
          const after = await readKinds(map);
          cuts.length = 0;
          await map.write(map.take());
          for (const cut of cuts) {
            const found = await readKinds(cut.map());
            assert.ok(
              found.every((kind, place) => kind === before[place] || kind === after[place]),
            );
          }
          assert.deepEqual(await readKinds(file.map()), after);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('what changes after it was taken is not in the file before it is taken itself', async () => {
  const file = MemoryFile.empty();
  let changes = 0;
  /** The last page is written apart from the first ones. */
  const last = 17 * pageSectors;
  const map = file.map(() => {
    // Both pages change while they are on their way, one of them before it is written.
    map.set(12, 13, zero);
    map.set(last + 12, last + 13, zero);
    changes += 1;
  });
  await map.open();
  await map.load(0, 17);
  for (let page = 0; page <= 17; page += 1) {
    map.set(page * pageSectors + 10, page * pageSectors + 13, data);
  }
  const kindsIn = async (shown: SectorMap): Promise<SectorKind[]> =>
    Promise.all(
      [10, 12, last + 10, last + 12].map(async (sector) => {
        const page = (await shown.readPage(Math.floor(sector / pageSectors))) ?? assert.fail();
        return kindAt(page, sector % pageSectors);
      }),
    );
  await map.write(map.take());
  assert.ok(changes > 0);
  assert.deepEqual(await kindsIn(map), [data, zero, data, zero]);
  assert.deepEqual(await kindsIn(file.map()), [data, data, data, data]);
  await map.write(map.take());
  assert.deepEqual(await kindsIn(file.map()), [data, zero, data, zero]);
});

test('what a power cut left can be written on', async () => {
  const file = MemoryFile.empty();
  let cut: MemoryFile | undefined;
  const map = file.map(() => (cut ??= file.afterPowerCut(() => false)));
  await map.open();
  await mark(map, 7, data);
  await map.write(map.take());
  assert.ok(cut);
  const again = cut.map();
  await mark(again, 7, zero);
  await again.write(again.take());
  assert.equal((await readKinds(cut.map()))[7], zero);
});

test('a flipped bit is damage or nothing, never another mark', async () => {
  const file = MemoryFile.empty();
  const map = file.map();
  await map.open();
  for (const place of places.keys()) await mark(map, place, place % 2 === 0 ? data : zero);
  await map.write(map.take());
  const sound = await readKinds(file.map());
  let found = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, directoryAt(0), directoryAt(1), ...pages.map((page) => pageAt(page))),
      fc.nat({ max: storedBytes * 8 - 1 }),
      async (block, bit) => {
        const sectors = file.sectors();
        const at = block + Math.floor(bit / 8 / diskSectorBytes) * diskSectorBytes;
        const flipped = Buffer.from(sectors.get(at) ?? assert.fail('every block is written whole'));
        const byte = Math.floor(bit / 8) % diskSectorBytes;
        flipped[byte] = (flipped[byte] ?? 0) ^ (1 << (bit & 7));
        sectors.set(at, flipped);
        try {
          assert.deepEqual(await readKinds(MemoryFile.of(sectors).map()), sound);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'corrupt');
          found += 1;
        }
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(found > 100, 'most bits mean something');
});

test('a page that is cut off, or reads as zeros, is damage', async () => {
  const file = MemoryFile.empty();
  const map = file.map();
  await map.open();
  await mark(map, 4, data);
  await map.write(map.take());
  const page = pageAt(300);
  const kept = [...file.sectors()].filter(([at]) => at < page + 512 || at >= page + storedBytes);
  await assert.rejects(readKinds(MemoryFile.of(kept).map()), { code: 'corrupt' });
});

test('a map that is cut off anywhere is damage', async () => {
  const file = MemoryFile.empty();
  const map = file.map();
  await map.open();
  for (const place of places.keys()) await mark(map, place, data);
  await map.write(map.take());
  for (const end of [0, 512, directoryAt(0), pageAt(0), pageAt(1) + 1024, pageAt(300)]) {
    const kept = [...file.sectors()].filter(([at]) => at < end);
    await assert.rejects(readKinds(MemoryFile.of(kept).map()), { code: 'corrupt' }, `${end}`);
  }
});

/** The map of an empty layer in a file of the disk. */
async function mapOnDisk(t: TestContext): Promise<{ map: SectorMap; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-map-'));
  const path = join(folder, 'map');
  await writeFile(path, emptyMap());
  const file = new FilePool(nodeFileOperations).file(path);
  t.after(async () => {
    await file.retire();
    await rm(folder, { recursive: true });
  });
  const map = new SectorMap(file);
  await map.open();
  return { map, path };
}

test('pages come at once where nothing was written, and whole ones from memory', async (t) => {
  const { map, path } = await mapOnDisk(t);
  for (const page of pages) {
    assert.ok(map.prepareNow(page, page));
    map.set(page * pageSectors + 5, page * pageSectors + 6, data);
  }
  await map.write(map.take());
  map.shrink();
  await using file = await open(path, 'r+');
  await file.write('!', pageAt(1) + 100);
  for (const page of pages) {
    assert.ok(!map.isLoaded(page, page));
    if (page === 1) {
      assert.ok(!map.prepareNow(page, page), 'damage is no page');
      await assert.rejects(async () => map.load(page, page), { code: 'corrupt' });
      continue;
    }
    // Where the file system cannot tell what memory has, nothing comes without a wait.
    if (!map.prepareNow(page, page)) await map.load(page, page);
    assert.ok(map.isAll(page * pageSectors + 5, page * pageSectors + 6, data));
    assert.ok(map.isAll(page * pageSectors + 6, page * pageSectors + 9, absent));
  }
});

test('many who load as many pages at once all go on, and memory keeps few of them', async (t) => {
  const { map } = await mapOnDisk(t);
  const some = Array.from({ length: 700 }, (_none, page) => page);
  const changeFirst = async (page: number, kind: SectorKind): Promise<void> => {
    let loads = 0;
    for (let loading; (loading = map.load(page, page)) !== undefined;) {
      loads += 1;
      assert.ok(loads < 5, `page ${page} is taken away before it can be changed`);
      await loading;
    }
    map.set(page * pageSectors, page * pageSectors + 1, kind);
  };
  const inMemory = (): number => some.filter((page) => map.isLoaded(page, page)).length;

  for (const page of some.slice(0, 400)) await changeFirst(page, data);
  await Promise.all(some.slice(400).map((page) => changeFirst(page, data)));
  await setImmediate();
  assert.equal(inMemory(), 256);
  for (const page of some) {
    assert.equal(kindAt((await map.readPage(page)) ?? Buffer.alloc(0), 0), data, 'and none lost');
  }
  await map.write(map.take());
  assert.equal(inMemory(), 256);
  await Promise.all(some.map((page) => changeFirst(page, zero)));
  await map.write(map.take());
  await Promise.all(some.map((page) => changeFirst(page, zero)));
  await setImmediate();
  assert.equal(inMemory(), 256, 'however they came');
  for (const page of some) {
    assert.equal(kindAt((await map.readPage(page)) ?? Buffer.alloc(0), 0), zero);
  }
});

test('where nothing was written, marks read nothing and keep no page', async (t) => {
  const { map } = await mapOnDisk(t);
  for (let page = 0; page < 5000; page += 1) {
    const first = page * pageSectors + ((page * 7919) % pageSectors);
    assert.equal(map.prepare(page, page), undefined);
    map.set(first, first + 1, data);
    assert.ok(map.isAll(first, first + 1, data) && !map.isLoaded(page, page));
  }
  assert.ok(map.changedBytes < 5000 * 500);
  map.set(9 * pageSectors * 1000, 9 * pageSectors * 1000 + 4, absent);
  assert.ok(!map.hasPage(9000), 'what is absent stays so without a page');
  await map.write(map.take());
  assert.equal(map.changedBytes, 0);
  assert.equal([...map.presentPages()].length, 5000);
});

import { join } from 'node:path';
import type { FilePool } from '../layer/file-pool.ts';
import { DataFile } from '../layer/data-file.ts';
import type { LayerRecord } from '../layer/layer-record.ts';
import { dataEndOf, kindAt, pageSectors, runEnd } from '../layer/map-page.ts';
import { absent, data, sectorsIn } from '../layer/sector.ts';
import type { Finding } from './finding.ts';
import { wholly } from './finding.ts';
import type { Inventory, LayerEntry } from './inventory.ts';
import { layersFolder } from './inventory.ts';
import type { LayerFiles } from './layer-files.ts';
import { endOfStored, statLayer } from './layer-files.ts';
import { LostSectors } from './lost-sectors.ts';
import type { MapReader } from './map-reader.ts';
import { unitPages } from './map-reader.ts';
import type { OpenMaps } from './open-maps.ts';
import type { References } from './references.ts';
import { findUnreadable } from './unreadable-data.ts';

/** A run of sectors of one page. */
export interface Run {
  readonly from: number;
  readonly to: number;
}

/** What a check of layers needs. */
export interface LayerCheck {
  readonly inventory: Inventory;
  readonly references: References;
  readonly maps: OpenMaps;
  readonly pool: FilePool;
  /** Undefined: data is not read. Else it is told of the bytes that were read. */
  readonly onDataRead: ((bytes: number) => void) | undefined;
}

/** What the files of one layer show, compared with each other and with its record. */
export async function* checkLayerFiles(
  check: LayerCheck,
  entry: LayerEntry,
  record: LayerRecord,
): AsyncGenerator<Finding> {
  const { inventory, references } = check;
  const files = await statLayer(inventory.folder, entry, record);
  const about = { severity: 'damage', repair: null, layerId: record.id } as const;
  const path = (name: string): string => join(layersFolder, record.id, name);
  for (const name of files.others) yield leftover(path(name), name, record.id);
  if (!files.parts.has(0)) {
    const what = 'The data of the layer is missing.';
    const affects = references.readersOf(record.id).map(wholly);
    yield { ...about, code: 'missing-data', path: path(record.dataFile), what, affects };
  }
  if (files.map === undefined) {
    const what = 'The map of the layer is missing: nobody knows which of its data counts.';
    const affects = references.readersOf(record.id).map(wholly);
    yield { ...about, code: 'missing-map', path: path(record.mapFile), what, affects };
    return;
  }
  const map = await check.maps.read(record.id);
  if (map === undefined) return;
  yield* checkMapFrame(check, record, map);
  yield* checkPages(check, record, files, map);
}

function leftover(path: string, name: string, layerId: string): Finding {
  const isOurs = /^(?:data|map)(?:-[0-9a-f-]{36})?(?:\.\d+)?$|\.tmp$/.test(name);
  return {
    severity: isOurs ? 'leftover' : 'note',
    code: isOurs ? 'unnamed-file' : 'unknown-file',
    path,
    what: isOurs
      ? 'The record of the layer does not name it: a merge was interrupted.'
      : 'It is nothing that Firn makes; Firn removes it when it next opens the folder.',
    affects: [],
    repair: isOurs ? 'Removes it.' : null,
    layerId,
  };
}

/** The header and the directories. */
function* checkMapFrame(
  { references }: LayerCheck,
  record: LayerRecord,
  map: MapReader,
): Generator<Finding> {
  const path = join(layersFolder, record.id, record.mapFile);
  const about = { severity: 'damage', path, layerId: record.id } as const;
  if (map.headerFault !== undefined) {
    yield {
      ...about,
      code: map.isNewer ? 'newer-version' : 'damaged-map-header',
      what: map.headerFault,
      affects: references.readersOf(record.id).map(wholly),
      repair: map.canMend ? 'Writes it again: it is always the same.' : null,
    };
  }
  const lost = new LostSectors(record.id, references, async () => undefined);
  for (const { firstPage } of map.lostPages) lost.addPages(firstPage, firstPage + unitPages);
  if (map.lostPages.length > 0 && map.isProven) {
    yield {
      ...about,
      code: 'damaged-map-directory',
      what: `${map.lostPages.length} parts of directories are damaged: the layer cannot be read.`,
      affects: lost.effects(),
      repair: map.canMend ? 'Makes the directory again from the pages.' : null,
    };
  }
}

/** The pages, one after the other, against the size of the data and of the layer. */
async function* checkPages(
  check: LayerCheck,
  record: LayerRecord,
  files: LayerFiles,
  map: MapReader,
): AsyncGenerator<Finding> {
  const { references, maps, pool, inventory } = check;
  const make = (): LostSectors => new LostSectors(record.id, references, (id) => maps.read(id));
  const marks = make();
  const cut = make();
  const unreadable = make();
  const endSector = ownEnd(record, references);
  const folder = join(inventory.folder, layersFolder, record.id);
  const content = new DataFile(pool, folder, record.dataFile);
  let beyond = 0;
  for (const page of map.pages()) {
    const read = await map.readPage(page);
    if (read === undefined) continue;
    const { kinds, lost } = read;
    beyond += countBeyond(kinds, endSector - page * pageSectors);
    await marks.add(page, lost);
    await cut.add(page, missingData(kinds, page, files));
    if (check.onDataRead !== undefined && files.parts.has(0)) {
      await unreadable.add(page, await findUnreadable(content, kinds, page, check.onDataRead));
    }
  }
  await content.close();
  const about = { severity: 'damage', repair: null, layerId: record.id } as const;
  const mapPath = join(layersFolder, record.id, record.mapFile);
  const dataPath = join(layersFolder, record.id, record.dataFile);
  if (marks.count > 0) {
    const what = `The marks of ${marks.count} sectors are damaged: what they read as is not known.`;
    const affects = marks.effects();
    yield { ...about, code: 'damaged-map-page', path: mapPath, what, affects };
  }
  if (cut.count > 0 && files.parts.has(0)) {
    const what = `The file ends before ${cut.count} sectors that it should hold.`;
    yield { ...about, code: 'data-cut-off', path: dataPath, what, affects: cut.effects() };
  }
  if (unreadable.count > 0) {
    const what = `The host cannot read ${unreadable.count} sectors of it.`;
    const affects = unreadable.effects();
    yield { ...about, code: 'unreadable-data', path: dataPath, what, affects };
  }
  if (beyond > 0) {
    const what =
      `${beyond} sectors beyond its end have marks: ` +
      'they would show old data when the volume grows.';
    const affects = references.namesOf(record.id).map(wholly);
    yield { ...about, code: 'marks-beyond-end', path: mapPath, what, affects };
  }
}

/** The sector behind the last one that the layer may say anything of. */
function ownEnd(record: LayerRecord, references: References): number {
  const lengths = references
    .namesOf(record.id)
    .filter((name) => name.snapshotId === null)
    .map((name) => name.lengthBytes);
  return sectorsIn(Math.min(record.lengthBytes, ...lengths));
}

function countBeyond(kinds: Uint8Array, end: number): number {
  let count = 0;
  for (let index = Math.max(0, end); index < pageSectors;) {
    const to = runEnd(kinds, index, pageSectors);
    if (kindAt(kinds, index) !== absent) count += to - index;
    index = to;
  }
  return count;
}

/** The sectors of a page that are marked as data and lie behind the end of the file. */
function missingData(kinds: Uint8Array, page: number, files: LayerFiles): Run[] {
  const base = page * pageSectors;
  const stored = Math.max(0, endOfStored(files, base) - base);
  if (dataEndOf(kinds) <= stored) return [];
  const runs: Run[] = [];
  for (let index = Math.min(stored, pageSectors); index < pageSectors;) {
    const to = runEnd(kinds, index, pageSectors);
    if (kindAt(kinds, index) === data) runs.push({ from: index, to });
    index = to;
  }
  return runs;
}

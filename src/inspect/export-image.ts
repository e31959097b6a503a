import { join } from 'node:path';
import { must } from '../base/assert.ts';
import { isOperatingError } from '../base/errors.ts';
import { DataFile } from '../layer/data-file.ts';
import { pageSectors } from '../layer/map-page.ts';
import { sectorBytes } from '../layer/sector.ts';
import { OwnerMap, absentOwner, firstSlotOwner } from '../volume/owner-map.ts';
import type { ByteRange } from './finding.ts';
import type { ImageSource } from './image-source.ts';
import type { LayerFiles } from './layer-files.ts';
import { endOfStored, statLayer } from './layer-files.ts';
import type { MapReader } from './map-reader.ts';

/** Stands in an owner map for a sector of which nobody knows what it reads as. */
const lostOwner = 0xffff;
/** Bytes that are read at once. */
const chunkBytes = 1024 * 1024;
const pageBytes = pageSectors * sectorBytes;

/** Where an image goes, from its start to its end. */
export interface ImageSink {
  /** Takes the next bytes; they are not used any more when it resolves. */
  write(content: Uint8Array): Promise<void>;
  /** The next so many bytes are zeros. */
  skip(lengthBytes: number): Promise<void>;
}

/** A layer of the chain, opened. */
interface ImageLayer {
  /** Undefined when the map says nothing that can be trusted. */
  readonly map: MapReader | undefined;
  readonly files: LayerFiles;
  readonly data: DataFile;
}

/**
 * Writes what a chain reads as into `sink`, and answers the ranges of which nobody knows what they
 * should be; they are zeros in the image. Without a sink only maps are read, and the ranges that
 * the host has an error for are not known yet.
 */
export async function copyImage(
  source: ImageSource,
  sink: ImageSink | undefined,
  onProgress: (bytesDone: number) => void,
): Promise<ByteRange[]> {
  const { chain, lengthBytes } = source;
  const layers = await openLayers(source);
  const base = chain.end === undefined ? absentOwner : lostOwner;
  const held = new Set(layers.flatMap(({ map }) => [...(map?.pages() ?? [])]));
  const isUnsure =
    chain.end !== undefined || layers.some(({ map }) => map === undefined || map.isDamaged);
  const lost = new LostRanges();
  let skipped = 0;
  for (let at = 0; at < lengthBytes; at += pageBytes) {
    const endBytes = Math.min(at + pageBytes, lengthBytes);
    const page = at / pageBytes;
    const isHeld = isUnsure || held.has(page);
    const owners = isHeld ? await ownersOf(layers, base, page) : undefined;
    if (owners === undefined) skipped += endBytes - at;
    else {
      if (skipped > 0) await sink?.skip(skipped);
      skipped = 0;
      await copyPage({ owners, layers, sink, lost }, at, endBytes);
      onProgress(endBytes);
    }
  }
  if (skipped > 0) await sink?.skip(skipped);
  onProgress(lengthBytes);
  for (const { data } of layers) await data.close();
  return lost.ranges;
}

/** The layers of a chain, oldest first. */
async function openLayers({ inventory, maps, pool, chain }: ImageSource): Promise<ImageLayer[]> {
  const layers: ImageLayer[] = [];
  for (const record of chain.layers.toReversed()) {
    const entry = must(inventory.layers.get(record.id), 'a layer of a chain is in the folder');
    const map = await maps.read(record.id);
    layers.push({
      map: map?.isProven === true ? map : undefined,
      files: await statLayer(inventory.folder, entry, record),
      data: new DataFile(pool, join(inventory.folder, entry.path), record.dataFile),
    });
  }
  return layers;
}

/** Who owns the sectors of a page; undefined when no layer says anything of it. */
async function ownersOf(
  layers: readonly ImageLayer[],
  base: number,
  page: number,
): Promise<OwnerMap | undefined> {
  let owners = base === absentOwner ? undefined : new OwnerMap(base);
  for (const [slot, { map }] of layers.entries()) {
    const isLost = map === undefined || map.isLost(page);
    if (!isLost && !map.hasPage(page)) continue;
    owners ??= new OwnerMap();
    const read = isLost ? undefined : await map.readPage(page);
    if (read === undefined) owners.fill(lostOwner, 0, pageSectors);
    else owners.overlay(read.kinds, slot);
    for (const { from, to } of read?.lost ?? []) owners.fill(lostOwner, from, to);
  }
  return owners;
}

interface PageCopy {
  readonly owners: OwnerMap;
  readonly layers: readonly ImageLayer[];
  readonly sink: ImageSink | undefined;
  readonly lost: LostRanges;
}

async function copyPage(copy: PageCopy, startBytes: number, endBytes: number): Promise<void> {
  const { owners, layers, sink, lost } = copy;
  for (let at = startBytes; at < endBytes;) {
    const index = Math.floor((at - startBytes) / sectorBytes);
    const owner = owners.at(index);
    const run = startBytes + owners.runEnd(index, pageSectors) * sectorBytes;
    const layer = owner === lostOwner ? undefined : layers[owner - firstSlotOwner];
    const limit = layer === undefined ? run : Math.min(run, at + chunkBytes);
    const end = Math.min(limit, endBytes);
    if (owner === lostOwner) lost.add(at, end);
    if (layer === undefined) await sink?.skip(end - at);
    else if (sink !== undefined) await copyData(layer, at, end, sink, lost);
    else lost.add(Math.max(at, Math.min(end, storedEnd(layer, at))), end);
    at = end;
  }
}

function storedEnd({ files }: ImageLayer, offsetBytes: number): number {
  return endOfStored(files, Math.floor(offsetBytes / sectorBytes)) * sectorBytes;
}

/** Copies data; what the file does not have, or the host cannot read, is lost. */
async function copyData(
  { data }: ImageLayer,
  offsetBytes: number,
  endBytes: number,
  sink: ImageSink,
  lost: LostRanges,
): Promise<void> {
  const content = Buffer.alloc(endBytes - offsetBytes);
  let count: number;
  try {
    count = await data.read(content, offsetBytes);
  } catch (error) {
    if (!isOperatingError(error, 'io') && !isOperatingError(error, 'not_found')) throw error;
    count = 0;
    content.fill(0);
  }
  lost.add(offsetBytes + count, endBytes);
  await sink.write(content);
}

/** Ranges in order, joined where they touch. */
class LostRanges {
  readonly ranges: { offsetBytes: number; lengthBytes: number }[] = [];

  add(offsetBytes: number, endBytes: number): void {
    if (endBytes <= offsetBytes) return;
    const last = this.ranges.at(-1);
    if (last !== undefined && last.offsetBytes + last.lengthBytes === offsetBytes) {
      last.lengthBytes = endBytes - last.offsetBytes;
    } else this.ranges.push({ offsetBytes, lengthBytes: endBytes - offsetBytes });
  }
}

import type { PooledFile } from '../layer/file-pool.ts';
import { directoryAt, mapHeader, pageAt, pagesPerDirectory } from '../layer/map-format.ts';
import { sealBlock } from '../layer/sealed-block.ts';
import { MapReader, unitPages, unitsOfPage } from './map-reader.ts';

/**
 * Makes the damaged parts of a map's directories again, and then its header.
 *
 * A page counts as there when anything was ever written of it: one that was not durable before its
 * bit is then shown as damaged rather than passed over. What is sound is not touched, and a crash
 * leaves less to be mended.
 */
export async function mendMapFile(file: PooledFile): Promise<void> {
  const map = await MapReader.open(file);
  for (const group of new Set(map.lostPages.map((lost) => lost.group))) {
    const position = directoryAt(group);
    const bits = (await map.readBlock(position)).content;
    for (const { firstPage } of map.lostPages.filter((lost) => lost.group === group)) {
      for (let page = firstPage; page < firstPage + unitPages; page += 1) {
        const index = page % pagesPerDirectory;
        const isThere = pageAt(page) < map.sizeBytes && (await hasAny(map, page));
        if (isThere) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
      }
    }
    await file.write(sealBlock(bits, position), position);
  }
  if (map.headerFault !== undefined) await file.write(mapHeader(), 0);
  await file.datasync();
  await file.close();
}

async function hasAny(map: MapReader, page: number): Promise<boolean> {
  const { empty } = await map.readBlock(pageAt(page));
  return empty.length < unitsOfPage;
}

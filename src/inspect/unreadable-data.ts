import { isOperatingError } from '../base/errors.ts';
import type { DataFile } from '../layer/data-file.ts';
import { kindAt, pageSectors, runEnd } from '../layer/map-page.ts';
import { data, sectorBytes } from '../layer/sector.ts';

/** Sectors that are read at once: 1 MiB. */
const chunkSectors = 256;

/**
 * Reads all data of one page of a layer, and answers the runs of sectors that the host has an error
 * for. `onRead` is told of each read.
 */
export async function findUnreadable(
  content: DataFile,
  kinds: Uint8Array,
  page: number,
  onRead: (bytes: number) => void,
): Promise<{ from: number; to: number }[]> {
  const runs: { from: number; to: number }[] = [];
  const base = page * pageSectors;
  for (let index = 0; index < pageSectors;) {
    const isData = kindAt(kinds, index) === data;
    const limit = isData ? Math.min(index + chunkSectors, pageSectors) : pageSectors;
    const to = runEnd(kinds, index, limit);
    if (isData) {
      if (!(await canRead(content, base + index, base + to))) {
        for (let sector = index; sector < to; sector += 1) {
          if (await canRead(content, base + sector, base + sector + 1)) continue;
          runs.push({ from: sector, to: sector + 1 });
        }
      }
      onRead((to - index) * sectorBytes);
    }
    index = to;
  }
  return runs;
}

async function canRead(content: DataFile, first: number, end: number): Promise<boolean> {
  try {
    const target = Buffer.allocUnsafe((end - first) * sectorBytes);
    await content.read(target, first * sectorBytes);
    return true;
  } catch (error) {
    if (isOperatingError(error, 'io')) return false;
    throw error;
  }
}

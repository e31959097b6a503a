import { setImmediate } from 'node:timers/promises';
import { KiB } from '../base/bytes.ts';
import type { Extent, ExtentKind } from '../base/extent.ts';
import { appendExtent } from '../base/extent.ts';
import type { OnBytes } from '../layer/direct-reads.ts';
import type { MemoryRange } from '../base/memory-range.ts';
import { settleAll } from '../base/serial.ts';
import type { Reading } from '../layer/file-operations.ts';
import { sectorBytes } from '../layer/sector.ts';
import type { Chain } from './chain.ts';
import type { OwnerMap } from './owner-map.ts';
import { absentOwner, emptyOwners, firstSlotOwner, regionSectors, zeroOwner } from './owner-map.ts';

const regionBytes = regionSectors * sectorBytes;
/** Regions that are looked at before others get a turn of the event loop. */
const regionsPerTurn = 256;
/** Pieces that are shorter, on the average, are sooner copied than named one by one. */
const pieceBytesLeast = 16 * KiB;

/** Fills `target` from the newest layer that holds each sector. */
export function readChain(chain: Chain, offsetBytes: number, target: Uint8Array): Promise<void> {
  const region = Math.floor(offsetBytes / regionBytes);
  const endBytes = offsetBytes + target.byteLength;
  if (endBytes <= (region + 1) * regionBytes) {
    const owners = chain.owners(region);
    if (owners !== undefined) return readRegion(chain, owners, region, offsetBytes, target);
  }
  return readRegions(chain, offsetBytes, target);
}

/** Like `readChain` as far as that takes no wait (`ImmediateDevice.read`). */
export function readChainNow(
  chain: Chain,
  offsetBytes: number,
  target: Uint8Array,
  onEnd?: OnBytes,
): Reading {
  const region = Math.floor(offsetBytes / regionBytes);
  const base = region * regionBytes;
  const endBytes = offsetBytes + target.byteLength;
  const owners = endBytes <= base + regionBytes ? chain.owners(region) : undefined;
  if (owners === undefined) return 'refused';
  const from = Math.floor((offsetBytes - base) / sectorBytes);
  const to = Math.ceil((endBytes - base) / sectorBytes);
  if (owners.runEnd(from, to) === to) {
    return readRunNow(chain, owners.at(from), offsetBytes, target, onEnd);
  }
  if (onEnd !== undefined) return 'refused';
  for (const { owner, start, part } of runsOf(owners, region, offsetBytes, target)) {
    if (readRunNow(chain, owner, start, part) !== 'done') return 'refused';
  }
  return 'done';
}

function readRunNow(
  chain: Chain,
  owner: number,
  offsetBytes: number,
  target: Uint8Array,
  onEnd?: OnBytes,
): Reading {
  if (owner >= firstSlotOwner) return chain.layerOf(owner).readNow(offsetBytes, target, onEnd);
  target.fill(0);
  return 'done';
}

/** A part of a range that has one owner. */
interface Run {
  readonly owner: number;
  readonly start: number;
  readonly part: Uint8Array;
}

/** What lies in one region, run by run. */
function runsOf(owners: OwnerMap, region: number, offsetBytes: number, target: Uint8Array): Run[] {
  const runs: Run[] = [];
  const base = region * regionBytes;
  const to = Math.ceil((offsetBytes + target.byteLength - base) / sectorBytes);
  for (let sector = Math.floor((offsetBytes - base) / sectorBytes); sector < to;) {
    const end = owners.runEnd(sector, to);
    const startBytes = Math.max(base + sector * sectorBytes, offsetBytes) - offsetBytes;
    const endBytes = Math.min(base + end * sectorBytes - offsetBytes, target.byteLength);
    const part = target.subarray(startBytes, endBytes);
    runs.push({ owner: owners.at(sector), start: offsetBytes + startBytes, part });
    sector = end;
  }
  return runs;
}

/** Where a range lies, if memory has all of it, in pieces worth their while (`locate`). */
export function locateInChain(
  chain: Chain,
  offsetBytes: number,
  lengthBytes: number,
): MemoryRange[] | undefined {
  const ranges: MemoryRange[] = [];
  const endBytes = offsetBytes + lengthBytes;
  for (let at = offsetBytes; at < endBytes;) {
    const region = Math.floor(at / regionBytes);
    const base = region * regionBytes;
    const owners = chain.owners(region);
    if (owners === undefined) return undefined;
    const from = Math.floor((at - base) / sectorBytes);
    const to = Math.ceil((Math.min(endBytes, base + regionBytes) - base) / sectorBytes);
    const owner = owners.at(from);
    if (owner < firstSlotOwner) return undefined;
    const end = Math.min(endBytes, base + owners.runEnd(from, to) * sectorBytes);
    const range = chain.layerOf(owner).locate(at, end - at);
    if (range === undefined) return undefined;
    ranges.push(range);
    if (ranges.length * pieceBytesLeast > lengthBytes) return undefined;
    at = end;
  }
  return ranges;
}

async function readRegions(chain: Chain, offsetBytes: number, target: Uint8Array): Promise<void> {
  const parts: Promise<void>[] = [];
  for (let done = 0; done < target.byteLength;) {
    const at = offsetBytes + done;
    const region = Math.floor(at / regionBytes);
    const count = Math.min(target.byteLength - done, (region + 1) * regionBytes - at);
    const part = target.subarray(done, done + count);
    parts.push(
      ownersOf(chain, region).then((owners) => readRegion(chain, owners, region, at, part)),
    );
    done += count;
  }
  await settleAll(parts);
}

/** The owner map of a region, valid until the next wait. */
export async function ownersOf(chain: Chain, region: number): Promise<OwnerMap> {
  for (;;) {
    const { generation } = chain;
    const owners = chain.owners(region) ?? (await chain.load(region));
    if (generation === chain.generation) return owners;
  }
}

/** Reads one run of sectors after the other; all reads begin before the first wait. */
function readRegion(
  chain: Chain,
  owners: OwnerMap,
  region: number,
  offsetBytes: number,
  target: Uint8Array,
): Promise<void> {
  const base = region * regionBytes;
  const from = Math.floor((offsetBytes - base) / sectorBytes);
  const to = Math.ceil((offsetBytes + target.byteLength - base) / sectorBytes);
  if (owners.runEnd(from, to) === to) {
    return readRun(chain, owners.at(from), offsetBytes, target);
  }
  const runs = runsOf(owners, region, offsetBytes, target);
  return settleAll(runs.map(({ owner, start, part }) => readRun(chain, owner, start, part)));
}

const done = Promise.resolve();

function readRun(
  chain: Chain,
  owner: number,
  offsetBytes: number,
  target: Uint8Array,
): Promise<void> {
  if (owner >= firstSlotOwner) return chain.layerOf(owner).read(offsetBytes, target);
  target.fill(0);
  return done;
}

/** What an owner map says of a sector, in the words of the block device. */
export function extentKindOf(owner: number): ExtentKind {
  if (owner === absentOwner) return 'absent';
  return owner === zeroOwner ? 'zero' : 'data';
}

/** The extents of a range, from the maps alone. */
export async function chainExtents(
  chain: Chain,
  offsetBytes: number,
  lengthBytes: number,
): Promise<Extent[]> {
  const extents: Extent[] = [];
  const endBytes = offsetBytes + lengthBytes;
  let turns = 0;
  for (let at = offsetBytes; at < endBytes;) {
    const region = Math.floor(at / regionBytes);
    const base = region * regionBytes;
    const owners = chain.owners(region) ?? (await ownersOf(chain, region));
    const regionEnd = Math.min(endBytes, base + regionBytes);
    if (owners === emptyOwners) {
      appendExtent(extents, { offsetBytes: at, lengthBytes: regionEnd - at, kind: 'absent' });
      at = regionEnd;
    }
    const endSector = Math.ceil((regionEnd - base) / sectorBytes);
    while (at < regionEnd) {
      const sector = Math.floor((at - base) / sectorBytes);
      const run = owners.runEnd(sector, endSector);
      const end = Math.min(base + run * sectorBytes, regionEnd);
      const kind = extentKindOf(owners.at(sector));
      appendExtent(extents, { offsetBytes: at, lengthBytes: end - at, kind });
      at = end;
    }
    turns += 1;
    if (turns % regionsPerTurn === 0) await setImmediate();
  }
  return extents;
}

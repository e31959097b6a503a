/**
 * What a backup has to read: whole blocks, found from the maps alone.
 *
 * Invariants of a plan: runs are in order, do not overlap, begin at a block's start, and end at a
 * block's end or at the volume's. `data` runs have to be read; `zero` runs hold nothing but zeros;
 * a block in no run is as in the parent backup, or absent where there is no parent.
 */
import { roundDown, roundUp } from '../base/bytes.ts';
import { appendExtent, type Extent } from '../base/extent.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { piecesOf } from './read-batches.ts';

/** The longest range whose extents are asked for at once: bounds the memory of a plan's making. */
const windowBytes = 1024 * 1024 * 1024;
/** Runs that lie no further apart are looked at together. */
const gapBytesMax = 64 * 1024 * 1024;

/**
 * The runs to read for a backup without parent: every block that holds data. Zeros need no run,
 * because a block that a backup does not mention reads as zeros.
 */
export async function planFull(device: BlockDevice, blockBytes: number): Promise<Extent[]> {
  const runs: Extent[] = [];
  for (let start = 0; start < device.lengthBytes; start += windowBytes) {
    const length = Math.min(windowBytes, device.lengthBytes - start);
    for (const extent of await device.extents(start, length)) {
      if (extent.kind === 'data') appendBlocks(runs, extent, 'data', device, blockBytes);
    }
  }
  return runs;
}

/**
 * The runs to read when all but `changed` is as in the parent. Where that says `data` the device
 * holds some; what else lies in the blocks that it touches otherwise, the device is asked.
 */
export async function planIncremental(
  device: BlockDevice,
  changed: readonly Extent[],
  blockBytes: number,
): Promise<Extent[]> {
  const touched: Extent[] = [];
  const written: Extent[] = [];
  for (const extent of changed) {
    appendBlocks(touched, extent, 'data', device, blockBytes);
    if (extent.kind === 'data') appendBlocks(written, extent, 'data', device, blockBytes);
  }
  const asked = await askedRuns(device, without(touched, written), blockBytes);
  if (asked.length === 0) return written;
  const runs: Extent[] = [];
  const all = [...written, ...asked].sort((a, b) => a.offsetBytes - b.offsetBytes);
  for (const run of all) appendExtent(runs, run);
  return runs;
}

/** Touched runs, cut by what the device says that it holds. */
async function askedRuns(
  device: BlockDevice,
  touched: readonly Extent[],
  blockBytes: number,
): Promise<Extent[]> {
  const runs: Extent[] = [];
  for (const window of windowsOf(touched)) {
    const offsetBytes = window[0]?.offsetBytes ?? 0;
    const extents = await device.extents(offsetBytes, endOf(window.at(-1)) - offsetBytes);
    const data = extents.filter(({ kind }) => kind === 'data');
    let first = 0;
    for (const run of window) {
      while (first < data.length && endOf(data[first]) <= run.offsetBytes) first += 1;
      splitByContent(runs, run, { data, first, device, blockBytes });
    }
  }
  return runs;
}

/**
 * Runs whose extents are asked for together, as a question costs more than the extents between
 * neighbours do; a long run is cut.
 */
function* windowsOf(runs: readonly Extent[]): Generator<Extent[]> {
  let window: Extent[] = [];
  for (const run of piecesOf(runs, windowBytes)) {
    const [first = run] = window;
    const isNear = run.offsetBytes - endOf(window.at(-1) ?? run) <= gapBytesMax;
    if (window.length > 0 && !(isNear && endOf(run) - first.offsetBytes <= windowBytes)) {
      yield window;
      window = [];
    }
    window.push(run);
  }
  if (window.length > 0) yield window;
}

/**
 * Adds a touched run: `data` for its blocks that hold any, `zero` for the others. `data` from
 * `first` on are the extents with data, from the run's beginning on.
 */
function splitByContent(
  runs: Extent[],
  run: Extent,
  {
    data,
    first,
    device,
    blockBytes,
  }: { data: readonly Extent[]; first: number; device: BlockDevice; blockBytes: number },
): void {
  const end = endOf(run);
  let next = run.offsetBytes;
  const fillZero = (until: number): void => {
    appendExtent(runs, { offsetBytes: next, lengthBytes: until - next, kind: 'zero' });
    next = until;
  };
  for (let at = first; at < data.length; at += 1) {
    const extent = data[at];
    if (extent === undefined || extent.offsetBytes >= end) break;
    const from = Math.max(run.offsetBytes, extent.offsetBytes);
    fillZero(Math.max(next, roundDown(from, blockBytes)));
    const lengthBytes = Math.min(end, endOf(extent)) - from;
    const part: Extent = { offsetBytes: from, lengthBytes, kind: 'data' };
    appendBlocks(runs, part, 'data', device, blockBytes);
    next = Math.max(next, endOf(runs.at(-1)));
  }
  if (next < end) fillZero(end);
}

/** Adds the blocks that `extent` touches and that are not in the last run already. */
function appendBlocks(
  runs: Extent[],
  extent: Extent,
  kind: Extent['kind'],
  device: BlockDevice,
  blockBytes: number,
): void {
  const last = runs.at(-1);
  const covered = last === undefined ? 0 : last.offsetBytes + last.lengthBytes;
  const from = Math.max(covered, roundDown(extent.offsetBytes, blockBytes));
  const rounded = roundUp(extent.offsetBytes + extent.lengthBytes, blockBytes);
  const to = Math.min(device.lengthBytes, rounded);
  if (to > from) appendExtent(runs, { offsetBytes: from, lengthBytes: to - from, kind });
}

/** The bytes of all runs of a kind. */
export function bytesOf(runs: readonly Extent[], kind: Extent['kind']): number {
  return runs.reduce((sum, run) => sum + (run.kind === kind ? run.lengthBytes : 0), 0);
}

/** The parts of `runs` that no extent of `done` covers; both are in order. */
export function without(runs: readonly Extent[], done: readonly Extent[]): Extent[] {
  const left: Extent[] = [];
  let at = 0;
  for (const run of runs) {
    let next = run.offsetBytes;
    const end = run.offsetBytes + run.lengthBytes;
    while (at < done.length && endOf(done[at]) <= next) at += 1;
    for (let index = at; index < done.length; index += 1) {
      const cut = done[index];
      if (cut === undefined || cut.offsetBytes >= end) break;
      if (cut.offsetBytes > next) {
        left.push({ offsetBytes: next, lengthBytes: cut.offsetBytes - next, kind: run.kind });
      }
      next = Math.max(next, endOf(cut));
    }
    if (next < end) left.push({ offsetBytes: next, lengthBytes: end - next, kind: run.kind });
  }
  return left;
}

function endOf(extent: Extent | undefined): number {
  return extent === undefined ? 0 : extent.offsetBytes + extent.lengthBytes;
}

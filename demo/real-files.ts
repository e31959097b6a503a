import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { roundUp } from '../src/base/bytes.ts';
import { errnoOf } from '../src/base/errors.ts';

/** Where a machine keeps what was installed on it; the project's own packages come last. */
const places = [
  '/usr/bin',
  '/usr/lib',
  '/usr/share',
  '/usr/local',
  '/opt',
  join(dirname(dirname(fileURLToPath(import.meta.url))), 'node_modules'),
];

/** Filesystems begin a file at a block of this size. */
const alignmentBytes = 4096;

/** Files beyond this are passed over: one file alone should not make the picture. */
const fileBytesMax = 256 * 1024 * 1024;

/**
 * The files of this machine, one after the other, each padded to a filesystem's block: at most
 * `bytesMax` in all. The same on every call while the machine's files stay as they are.
 */
export function* realFiles(bytesMax: number): Generator<Buffer> {
  let bytesLeft = bytesMax;
  for (const path of places.flatMap((place) => [...filesBelow(place)])) {
    const content = readIfReadable(path);
    if (content === undefined) continue;
    const padded = Buffer.alloc(Math.min(roundUp(content.length, alignmentBytes), bytesLeft));
    content.copy(padded);
    if (padded.length > 0) yield padded;
    bytesLeft -= padded.length;
    if (bytesLeft === 0) return;
  }
}

function* filesBelow(folder: string): Generator<string> {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

function readIfReadable(path: string): Buffer | undefined {
  try {
    const { size } = statSync(path);
    return size > 0 && size <= fileBytesMax ? readFileSync(path) : undefined;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Joins what comes into pieces of just `pieceBytes`, but for the last. */
export function* inPieces(source: Iterable<Buffer>, pieceBytes: number): Generator<Buffer> {
  let piece = Buffer.alloc(pieceBytes);
  let filled = 0;
  for (const content of source) {
    for (let from = 0; from < content.length;) {
      const copied = content.copy(piece, filled, from);
      filled += copied;
      from += copied;
      if (filled < pieceBytes) continue;
      yield piece;
      piece = Buffer.alloc(pieceBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

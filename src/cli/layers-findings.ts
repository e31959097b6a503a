import { formatBytes } from '../base/bytes.ts';
import type { ByteRange, Effect, Finding } from '../inspect/finding.ts';
import { readerName } from '../inspect/finding.ts';
import type { Output } from './context.ts';

/** Readers, and ranges of one reader, that are shown to a person; JSON has all of them. */
const readersShown = 6;
const rangesShown = 4;

/** Prints findings as paragraphs. */
export function printFindings(output: Output, findings: readonly Finding[]): void {
  for (const { severity, code, path, what, affects, repair } of findings) {
    output.write(`\n${severity}: ${code}\n  ${path}\n  ${what}\n`);
    for (const effect of affects.slice(0, readersShown))
      output.write(`  - ${effectLine(effect)}\n`);
    const more = affects.length - readersShown;
    if (more > 0) output.write(`  - and ${more} more\n`);
    if (severity === 'damage' && affects.length === 0) {
      output.write('  No volume and no snapshot reads it.\n');
    }
    if (repair !== null) output.write(`  Repair: ${repair}\n`);
    else if (severity === 'damage') output.write('  Repair: none is safe.\n');
  }
}

function effectLine(effect: Effect): string {
  return effect.ranges.length === 0
    ? readerName(effect)
    : `${readerName(effect)}: ${rangesLine(effect.ranges)}`;
}

/** Ranges of bytes in words. */
export function rangesLine(ranges: readonly ByteRange[]): string {
  const bytes = ranges.reduce((sum, range) => sum + range.lengthBytes, 0);
  const places = ranges
    .slice(0, rangesShown)
    .map(({ offsetBytes, lengthBytes }) => `${offsetBytes}–${offsetBytes + lengthBytes - 1}`);
  const more = ranges.length - rangesShown;
  if (more > 0) places.push(`and ${more} more`);
  return `${formatBytes(bytes)}, bytes ${places.join(', ')}`;
}

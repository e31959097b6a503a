import { InvalidArgumentError } from 'commander';

/** A whole number of GiB, at least 1. */
export function parseGib(text: string): number {
  const size = Number(text);
  if (/^\d+$/.test(text) && size >= 1 && Number.isSafeInteger(size)) return size;
  throw new InvalidArgumentError('It must be a whole number of GiB, at least 1.');
}

import { InvalidArgumentError } from 'commander';

/** A whole number of GiB, at least 1. */
export function parseGib(text: string): number {
  const size = Number(text);
  if (/^\d+$/.test(text) && size >= 1 && Number.isSafeInteger(size)) return size;
  throw new InvalidArgumentError('It must be a whole number of GiB, at least 1.');
}

/** A whole number, at least 1. */
export function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number, at least 1.');
}

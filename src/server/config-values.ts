/** Readers of the values of options: text in, checked value out. */
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { invalidFlag } from './address.ts';

const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The longest path that a unix socket can have on Linux, without the closing zero (unix(7)). */
const socketPathBytesMax = 107;

/** An absolute path; `~` is the home of the user who starts Firn. */
export function readPath(path: string, label: string): string {
  if (path === '') throw invalidFlag(label, '""', 'a path');
  return resolve(path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path);
}

export function readFolder(path: string, label: string): string {
  if (path === '') throw invalidFlag(label, '""', 'a folder');
  return readPath(path, label);
}

export function readSocketPath(path: string, label: string): string {
  const absolute = readPath(path, label);
  if (Buffer.byteLength(absolute) > socketPathBytesMax) {
    const expected = `a path of at most ${socketPathBytesMax} bytes; give a shorter one`;
    throw invalidFlag(label, absolute, expected);
  }
  return absolute;
}

export function readStoreUrl(text: string, label: string): string {
  if (!URL.canParse(text)) throw invalidFlag(label, text, 'a URL, such as file:///srv/backups');
  if (!/^(?:file|s3|swift):/i.test(text)) {
    throw invalidFlag(label, text, 'a store: file:///PATH, s3://BUCKET or swift://');
  }
  return text;
}

/** Megabytes a second, from 0.01 on. */
export function readRate(text: string, label: string): number {
  const rate = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && rate >= 0.01 && rate <= 1e6) return rate;
  throw invalidFlag(label, text, 'megabytes a second, such as 25 or 0.5');
}

/** Without a slash at the end. */
export function readHttpUrl(text: string, label: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '');
  throw invalidFlag(label, text, 'an http or https URL');
}

/** An IP address, or a network of them: `10.0.0.0/8`. */
export function readNetwork(text: string, label: string): string {
  const [address = '', length] = text.split('/', 2);
  const bits = isIP(address) === 6 ? 128 : 32;
  const isNetwork = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits);
  if (isIP(address) > 0 && isNetwork) return text;
  throw invalidFlag(label, text, 'an address or a network, such as 10.0.0.0/8');
}

export function readName(text: string, label: string): string {
  if (text.trim() !== '' && text.length <= 255) return text;
  throw invalidFlag(label, text, 'a name of 1 to 255 characters');
}

export function readLogLevel(text: string, label: string): LogLevel {
  const level = logLevels.find((known) => known === text);
  if (level === undefined) throw invalidFlag(label, text, `one of ${logLevels.join(', ')}`);
  return level;
}

export function readYesOrNo(text: string, label: string): boolean {
  if (text !== 'true' && text !== 'false') throw invalidFlag(label, text, 'true or false');
  return text === 'true';
}

/** A reader of whole numbers from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string, label: string) => number {
  return (text, label) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw invalidFlag(label, text, `a whole number from ${min} to ${max}`);
  };
}

/** A reader of one of a few words. */
export function oneOf<W extends string>(...words: W[]): (text: string, label: string) => W {
  return (text, label) => {
    const word = words.find((known) => known === text);
    if (word === undefined) throw invalidFlag(label, text, `one of ${words.join(', ')}`);
    return word;
  };
}

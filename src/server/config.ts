import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { OperatingError } from '../base/errors.ts';

/** What `firn serve` is given by flags and environment, as text; flags win. */
export interface ServeOptions {
  readonly data?: string | undefined;
  readonly listen?: string | undefined;
  readonly nbd?: string | undefined;
  readonly nbdSocket?: string | undefined;
  readonly store?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly publicUrl?: string | undefined;
  readonly logLevel?: string | undefined;
}

export interface Address {
  readonly host: string;
  /** 0 stands for a free port. */
  readonly port: number;
}

export interface Config {
  /** The one folder in which everything lies that Firn keeps itself. */
  readonly dataFolder: string;
  readonly listen: Address;
  readonly nbd: Address;
  readonly nbdSocketPath: string;
  readonly storeUrl: string;
  readonly keyPath: string;
  /** What clients reach the HTTP port by, without trailing slash; undefined: as it listens. */
  readonly publicUrl: string | undefined;
  readonly logLevel: LogLevel;
}

const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The longest path that a unix socket can have on Linux, without the closing zero (unix(7)). */
const socketPathBytesMax = 107;

/**
 * Checks what was given and fills in the defaults. Rejects with `invalid_input` that names the
 * flag.
 */
export function readConfig(options: ServeOptions): Config {
  const dataFolder = folderPath(options.data ?? 'firn-data');
  return {
    dataFolder,
    listen: address(options.listen ?? '127.0.0.1:8776', '--listen'),
    nbd: loopbackOnly(address(options.nbd ?? '127.0.0.1:10809', '--nbd')),
    nbdSocketPath: socketPath(options.nbdSocket ?? join(dataFolder, 'nbd.sock')),
    storeUrl: storeUrl(options.store ?? pathToFileURL(join(dataFolder, 'backups')).href),
    keyPath:
      options.keyFile === undefined ? join(dataFolder, 'firn.key') : resolve(options.keyFile),
    publicUrl: options.publicUrl === undefined ? undefined : publicUrl(options.publicUrl),
    logLevel: logLevel(options.logLevel ?? 'warn'),
  };
}

/** `HOST:PORT` as it stands in a URL, with brackets around IPv6. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function invalid(flag: string, value: string, expected: string): OperatingError {
  return new OperatingError('invalid_input', `${flag} ${value}: expected ${expected}`, {
    field: flag,
  });
}

function folderPath(path: string): string {
  if (path === '') throw invalid('--data', '""', 'a folder');
  return resolve(path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path);
}

function address(text: string, flag: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65_535) {
    throw invalid(flag, text, 'HOST:PORT, such as 127.0.0.1:8776');
  }
  return { host, port };
}

/** True for the addresses that only this machine reaches. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function loopbackOnly(nbd: Address): Address {
  if (isLoopback(nbd.host)) return nbd;
  const reason =
    'an address of this machine alone (127.0.0.1 or [::1]); NBD here has no encryption';
  throw invalid('--nbd', formatAddress(nbd), reason);
}

function socketPath(path: string): string {
  const absolute = resolve(path);
  if (Buffer.byteLength(absolute) > socketPathBytesMax) {
    const expected = `a path of at most ${socketPathBytesMax} bytes; give a shorter one`;
    throw invalid('--nbd-socket', absolute, expected);
  }
  return absolute;
}

function storeUrl(text: string): string {
  if (!URL.canParse(text)) throw invalid('--store', text, 'a URL, such as file:///srv/backups');
  return text;
}

function publicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '');
  throw invalid('--public-url', text, 'an http or https URL');
}

function logLevel(text: string): LogLevel {
  const level = logLevels.find((known) => known === text);
  if (level === undefined) throw invalid('--log-level', text, `one of ${logLevels.join(', ')}`);
  return level;
}

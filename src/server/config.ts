import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Address, invalidFlag, parseAddress } from './address.ts';
import { type NbdConfig, type NbdOptions, readNbdConfig } from './nbd-config.ts';

/** What `firn serve` is given by flags and environment, as text; flags win. */
export interface ServeOptions extends NbdOptions {
  readonly data?: string | undefined;
  readonly listen?: string | undefined;
  readonly store?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly publicUrl?: string | undefined;
  readonly logLevel?: string | undefined;
}

export interface Config extends NbdConfig {
  /** The one folder in which everything lies that Firn keeps itself. */
  readonly dataFolder: string;
  readonly listen: Address;
  readonly storeUrl: string;
  readonly keyPath: string;
  /** What clients reach the HTTP port by, without trailing slash; undefined: as it listens. */
  readonly publicUrl: string | undefined;
  readonly logLevel: LogLevel;
}

const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * Checks what was given and fills in the defaults. Rejects with `invalid_input` that names the
 * flag.
 */
export function readConfig(options: ServeOptions): Config {
  const dataFolder = folderPath(options.data ?? 'firn-data');
  const url = options.publicUrl === undefined ? undefined : publicUrl(options.publicUrl);
  return {
    dataFolder,
    listen: parseAddress(options.listen ?? '127.0.0.1:8776', '--listen'),
    ...readNbdConfig(options, { dataFolder, publicUrl: url }),
    storeUrl: storeUrl(options.store ?? pathToFileURL(join(dataFolder, 'backups')).href),
    keyPath:
      options.keyFile === undefined ? join(dataFolder, 'firn.key') : resolve(options.keyFile),
    publicUrl: url,
    logLevel: logLevel(options.logLevel ?? 'warn'),
  };
}

function folderPath(path: string): string {
  if (path === '') throw invalidFlag('--data', '""', 'a folder');
  return resolve(path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path);
}

function storeUrl(text: string): string {
  if (!URL.canParse(text)) throw invalidFlag('--store', text, 'a URL, such as file:///srv/backups');
  return text;
}

function publicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '');
  throw invalidFlag('--public-url', text, 'an http or https URL');
}

function logLevel(text: string): LogLevel {
  const level = logLevels.find((known) => known === text);
  if (level === undefined) throw invalidFlag('--log-level', text, `one of ${logLevels.join(', ')}`);
  return level;
}

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Address } from './address.ts';
import type { GivenOptions } from './config-file.ts';
import type { Settings } from './config-options.ts';
import { labels, readSettings } from './config-settings.ts';
import type { LogLevel } from './config-values.ts';
import { type NbdConfig, readNbdConfig } from './nbd-config.ts';

export interface Config extends NbdConfig {
  /** The one folder in which everything lies that Firn keeps itself. */
  readonly dataFolder: string;
  readonly listen: Address;
  readonly storeUrl: string;
  readonly keyPath: string;
  /** What clients reach the HTTP port by, without trailing slash; undefined: as it listens. */
  readonly publicUrl: string | undefined;
  readonly logLevel: LogLevel;
  /** Every option, checked by itself. */
  readonly settings: Settings;
}

/**
 * Checks what was given, each by itself and one against the other, and fills in the defaults.
 * Throws `invalid_input` that names the flag, the variable, or the line of the file.
 */
export function readConfig(given: GivenOptions): Config {
  const settings = readSettings(given);
  const { data: dataFolder, publicUrl } = settings;
  return {
    dataFolder,
    listen: settings.listen,
    ...readNbdConfig(settings, labels(given)),
    storeUrl: settings.store ?? pathToFileURL(join(dataFolder, 'backups')).href,
    keyPath: settings.keyFile ?? join(dataFolder, 'firn.key'),
    publicUrl,
    logLevel: settings.logLevel,
    settings,
  };
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { createLog } from '../api/log.ts';
import { errnoOf, OperatingError } from '../base/errors.ts';
import { version } from '../base/version.ts';
import { type Addresses, type Service, startService } from './compose.ts';
import { formatAddress } from './address.ts';
import { boundMemory } from './bound-memory.ts';
import { type ConfigSource, gatherOptions } from './config-source.ts';
import { type Config, readConfig } from './config.ts';
import { makeStoreRoot } from '../store/make-root.ts';
import { cloudName, type Credentials, hasCredentials, writeCredentials } from './credentials.ts';
import { takeDataFolder } from './data-folder.ts';
import { withPort } from './free-port.ts';
import { readHttpTls, schemeOf } from './http-tls.ts';
import { readKey } from './key-file.ts';
import { keystoneUrl } from './open-identity.ts';
import { readNbdTls } from './nbd-tls.ts';

/** Ending in order may take this long before a second signal ends the process at once. */
const impatientAfterMs = 1000;

/**
 * Runs the service in the foreground until SIGINT or SIGTERM, and resolves when it has ended in
 * order. Rejects with an operating error that a person can act on when it cannot start.
 */
export async function serve(source: ConfigSource): Promise<void> {
  const { given } = await gatherOptions(source);
  const config = readConfig(given);
  const folder = await takeDataFolder(config.dataFolder);
  const unbound = boundMemory();
  try {
    const { key, made: keyMade } = await readKey(config.keyPath, source.environment, {
      create: true,
    });
    const addresses = await chooseAddresses(config);
    const { host } = addresses.nbdPublic;
    const nbdTls = config.nbdTls && (await readNbdTls(config.nbdTls, { host }));
    const authUrl = `${addresses.publicUrl}/identity/v3`;
    const credentials = await firstThings(config, authUrl);
    const log = createLog({ level: config.logLevel, destination: pino.destination(2) });
    const httpTls = await readHttpTls(config.settings, addresses.publicUrl);
    const secrets = { adminPassword: credentials?.password, wrappingKey: key, nbdTls, httpTls };
    const service = await startService(config, addresses, secrets, log).catch((error: unknown) => {
      throw portTaken(error) ?? error;
    });
    process.stdout.write(greeting(config, addresses, credentials, keyMade));
    await untilSignal(service);
  } finally {
    unbound();
    folder.release();
  }
}

/**
 * Makes the store on the first start, and writes the administrator's files on each; there are none
 * where the users are a Keystone's. The files come after the store, so that a start that fails on
 * it is followed by a first one.
 */
async function firstThings(config: Config, authUrl: string): Promise<Credentials | undefined> {
  const keystone = keystoneUrl(config.settings);
  const begun =
    keystone === undefined
      ? await hasCredentials(config.dataFolder)
      : existsSync(join(config.dataFolder, 'catalog.sqlite'));
  if (!begun) {
    for (const url of [config.storeUrl, config.settings.storeCopy ?? config.storeUrl]) {
      await makeStoreRoot(url);
    }
  }
  return keystone === undefined ? await writeCredentials(config.dataFolder, authUrl) : undefined;
}

async function chooseAddresses(config: Config): Promise<Addresses> {
  const listen = await withPort(config.listen);
  const nbd = await withPort(config.nbd);
  const nbdPublic = config.nbdPublic ?? nbd;
  return {
    listen,
    nbd,
    nbdPublic,
    publicUrl: config.publicUrl ?? `${schemeOf(config.settings)}://${formatAddress(listen)}`,
  };
}

/** A taken or forbidden port, in a sentence that says which one and what to do. */
function portTaken(error: unknown): OperatingError | undefined {
  const errno = errnoOf(error);
  if (!(error instanceof Error) || !('port' in error || 'address' in error)) return undefined;
  const port = 'port' in error ? Number(error.port) : undefined;
  const place = 'address' in error ? String(error.address) : '';
  const where = port === undefined ? place : formatAddress({ host: place, port });
  const advice = 'choose another with --listen, --nbd or --nbd-socket';
  if (errno === 'EADDRINUSE') {
    return new OperatingError('conflict', `${where} is taken by another program; ${advice}`);
  }
  if (errno === 'EACCES' || errno === 'EADDRNOTAVAIL') {
    return new OperatingError('forbidden', `${where} cannot be used (${errno}); ${advice}`);
  }
  return undefined;
}

function greeting(
  config: Config,
  addresses: Addresses,
  credentials: Credentials | undefined,
  keyMade: boolean,
): string {
  const { publicUrl, nbd } = addresses;
  const tcp = config.nbdTls === undefined ? 'in clear' : 'in TLS';
  const first =
    credentials?.made === true
      ? `\nMade the user "admin" with a random password; it is in the two files below.\n`
      : '';
  const key = keyMade
    ? `Made the key of the backups: ${config.keyPath}\nKeep a copy of it elsewhere: ` +
      `without it no backup can be read.\n`
    : '';
  return `Firn ${version} is ready.

  HTTP      ${publicUrl}  (Block Storage v3 at /volume/v3)
  Identity  ${keystoneUrl(config.settings) ?? `${publicUrl}/identity/v3`}
  NBD       ${formatAddress(nbd)} (${tcp}) and ${config.nbdSocketPath}
  data      ${config.dataFolder}
  backups   ${[config.storeUrl, config.settings.storeCopy ?? []].flat().join(', copied to ')}
${first}${key}
${nextSteps(credentials, publicUrl)} Ctrl-C ends Firn.
`;
}

function nextSteps(credentials: Credentials | undefined, publicUrl: string): string {
  if (credentials === undefined) {
    const url = `${publicUrl}/volume/v3/%(project_id)s`;
    return `Next, once: openstack endpoint create volumev3 public '${url}'.`;
  }
  return `Next, in another terminal:

  . ${credentials.openrcPath}
  openstack volume create --size 1 my-volume
  openstack volume list

or with ${credentials.cloudsPath} (cloud "${cloudName}").`;
}

/** Ends the service on the first signal; a second one, a while later, ends the process at once. */
async function untilSignal(service: Service): Promise<void> {
  await new Promise<void>((resolve) => {
    let askedAt: number | undefined;
    const onSignal = (): void => {
      if (askedAt === undefined) {
        askedAt = performance.now();
        process.stdout.write('\nEnding …\n');
        resolve();
      } else if (performance.now() - askedAt > impatientAfterMs) {
        process.exit(1);
      }
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  });
  await service.close();
}

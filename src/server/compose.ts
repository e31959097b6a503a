/** The one place where the parts of the service are put together. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { buildApp } from '../api/app.ts';
import { blockStorageV3 } from '../api/block-storage-v3/routes.ts';
import { firnV1 } from '../api/firn-v1/routes.ts';
import { sessionRoutes } from '../api/firn-v1/session.ts';
import { identityV3 } from '../api/identity-v3/routes.ts';
import { type HttpTls, serverFactory, type ServerFactory } from '../api/server-factory.ts';
import { imageV2 } from '../api/image-v2/routes.ts';
import { KeptBackups } from '../backup/backing-source.ts';
import { Hydrator } from '../backup/hydrator.ts';
import { openRepositories } from '../backup/repositories.ts';
import { MiB } from '../base/bytes.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { hostSpaceOf } from '../base/host-space.ts';
import { shortenSlices } from '../base/time-slice.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { type ChangeFeed, watchCatalog } from '../catalog/change-feed.ts';
import { openSqliteCatalog } from '../catalog/sqlite.ts';
import type { DataPlane } from '../dataplane/data-plane.ts';
import { startDataPlane } from '../dataplane/start-data-plane.ts';
import { bootstrap } from '../identity/bootstrap.ts';
import type { Identity } from '../identity/identity.ts';
import type { JobHandlers } from '../job/job.ts';
import { JobRunner } from '../job/runner.ts';
import { systemScheduler } from '../job/scheduler.ts';
import type { NbdTls } from '../nbd/tls.ts';
import { AuditTrail } from '../operation/audit/audit-trail.ts';
import { restoreExports } from '../operation/attachment/restore-exports.ts';
import { AdoptionFolder } from '../operation/disk/adoption-folder.ts';
import { startBackgroundVerify } from '../operation/backup/background-verify.ts';
import { pruneAgain } from '../operation/backup/prune-repository.ts';
import { seedGroupTypes } from '../operation/group/seed-group-types.ts';
import { jobHandlers } from '../operation/handlers.ts';
import { takeUpImages } from '../operation/image/image-data.ts';
import { ImageFiles } from '../operation/image/image-files.ts';
import type { NbdAddress, OperationNeeds } from '../operation/needs.ts';
import { seedVolumeTypes } from '../operation/type/seed-volume-types.ts';
import { withOutbox } from '../webhook/outbox.ts';
import type { Address } from './address.ts';
import type { Config } from './config.ts';
import { renewHttpTls } from './http-tls.ts';
import { keystoneUrl, openIdentity } from './open-identity.ts';
import { Metrics } from './metrics.ts';
import { readNbdTls } from './nbd-tls.ts';
import { renewNbdTls } from './nbd-tls-renewal.ts';
import { RetryCounts } from './retry-counts.ts';
import { startPlans } from './start-plans.ts';
import { startWebhooks } from './start-webhooks.ts';
import { openSecondaryStorage } from './secondary-storage.ts';

/** Jobs that run at once: enough to overlap waiting, few enough to bound memory. */
const jobsAtOnce = 4;
const dayMs = 24 * 3600 * 1000;

export interface Addresses {
  readonly listen: Address;
  readonly nbd: Address;
  /** How clients reach NBD on TCP. */
  readonly nbdPublic: Address;
  /** How clients reach the HTTP port, without a slash at the end. */
  readonly publicUrl: string;
}

export interface Secrets {
  /** Undefined: users are those of a Keystone. */
  readonly adminPassword: string | undefined;
  readonly wrappingKey: Uint8Array;
  /** Undefined: NBD on TCP is in clear. */
  readonly nbdTls: NbdTls | undefined;
  /** Undefined: HTTP is in clear. */
  readonly httpTls: HttpTls | undefined;
}

/** The service with all its parts, answering; `close` ends it in order. */
export interface Service {
  close(): Promise<void>;
}

/**
 * Opens everything below `config.dataFolder`, takes up the work that an earlier process left, and
 * listens. When a part cannot be opened, those that are open already are closed again.
 */
export async function startService(
  config: Config,
  addresses: Addresses,
  secrets: Secrets,
  log: Logger,
): Promise<Service> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let next = closers.pop(); next !== undefined; next = closers.pop()) await next();
  };
  try {
    await open(config, addresses, secrets, log, closers);
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

const notPruned = 'what deleted backups took is given back by the next prune only';
const storeAway = 'the store cannot be used: until it can, no backup is made or restored';

/** Opens the parts from the bottom up; what closes them is added to `closers` as they come. */
async function open(
  config: Config,
  addresses: Addresses,
  secrets: Secrets,
  log: Logger,
  closers: (() => Promise<void>)[],
): Promise<void> {
  const folder = (name: string): string => join(config.dataFolder, name);
  await mkdir(folder('journals'), { recursive: true });
  const clock = systemClock;
  const opened = await openSqliteCatalog({ path: folder('catalog.sqlite') });
  const configured = config.settings.webhookTargets;
  const { catalog, feed } = watchCatalog(withOutbox(opened, { clock, configured }));
  closers.push(() => catalog.close());
  await fillCatalog(catalog, secrets, clock);
  const retries = new RetryCounts();
  const storage = openSecondaryStorage(config, folder('journals'), retries, (error) =>
    log.warn({ err: error }, 'the copy of the store'),
  );
  // Nobody waits for it: volumes need no store, and one that is away may come back.
  storage.root.containers().catch((error: unknown) => log.warn({ err: error }, storeAway));
  const repositories = openRepositories({
    ...storage,
    wrappingKey: secrets.wrappingKey,
    cacheFolder: folder('caches'),
  });
  const backups = new KeptBackups(repositories);
  const plane = await openPlane(folder('volumes'), secrets, backups, log);
  closers.push(() => plane.close());
  closers.push(() => repositories.close());
  const hydrator = await startHydrator(plane, config, backups, log);
  closers.push(() => hydrator.stop());
  closers.push(() => plane.stopServing());
  closers.push(renewTls(plane, config, addresses, secrets, log));
  const handlers: JobHandlers = {};
  const jobs = new JobRunner({
    catalog,
    handlers,
    parallel: jobsAtOnce,
    clock,
    scheduler: systemScheduler,
    log,
  });
  const needs: OperationNeeds = {
    catalog,
    clock,
    jobs,
    engine: plane.engine,
    exports: plane.exports,
    repositories,
    keptBackups: backups,
    images: new ImageFiles(folder('images')),
    adoption: adoptionFolderOf(config),
    hydrator,
    nbd: nbdAddress(config, addresses),
    journalFolder: folder('journals'),
    hostSpace: () => hostSpaceOf(folder('volumes')),
  };
  fillHandlers(handlers, needs, log);
  await takeUpImages(needs);
  await restoreExports(needs);
  await plane.listenTcp(addresses.nbd.host, addresses.nbd.port);
  await plane.listenUnix(config.nbdSocketPath);
  await openHttp({ needs, feed, retries }, { config, addresses, secrets }, log, closers);
  await jobs.start({ takeOver: true });
  closers.push(() => jobs.stop());
  closers.push(startWebhooks(needs, feed, config.settings, log));
  closers.push(startVerify(needs, config, log));
  closers.push(startPlans(needs, feed, config.settings, log));
}

/** What jobs do; and what adds one unasked: something in use when it was to go, that is not now. */
function fillHandlers(handlers: JobHandlers, needs: OperationNeeds, log: Logger): void {
  Object.assign(handlers, jobHandlers(needs));
  needs.repositories.onPruneDue((container) => {
    pruneAgain(needs, container).catch((error: unknown) => log.warn({ err: error }, notPruned));
  });
}

/** Answers on the HTTP port. */
async function openHttp(
  { needs, feed, retries }: { needs: OperationNeeds; feed: ChangeFeed; retries: RetryCounts },
  given: { config: Config; addresses: Addresses; secrets: Secrets },
  log: Logger,
  closers: (() => Promise<void>)[],
): Promise<void> {
  // Answers are short work: they are not to wait for the volumes' thread, or for a backup's.
  shortenSlices();
  const { catalog, clock } = needs;
  const { addresses, secrets } = given;
  const { settings } = given.config;
  const bounds = { daysMax: settings.auditDays, rowsMax: settings.auditRows };
  const audit = new AuditTrail({ catalog, clock, bounds });
  closers.push(() => audit.close());
  const identity = await openIdentity(settings, { catalog, clock });
  const server = serverFactory(secrets.httpTls);
  const app = composeApp({ needs, feed, retries, audit, identity, server }, given, log);
  closers.push(renewHttpTls(server, settings, { ...addresses, ...secrets }, log));
  await app.listen({ host: addresses.listen.host, port: addresses.listen.port });
  closers.push(() => app.close());
}

function nbdAddress(config: Config, { nbdPublic }: Addresses): NbdAddress {
  return { ...nbdPublic, socketPath: config.nbdSocketPath, tls: config.nbdTls !== undefined };
}

/** What a catalogue holds from the beginning. */
async function fillCatalog(catalog: Catalog, secrets: Secrets, clock: Clock): Promise<void> {
  const { adminPassword: password } = secrets;
  if (password !== undefined) await bootstrap(catalog, { password, clock });
  await seedVolumeTypes(catalog, clock);
  await seedGroupTypes(catalog, clock);
}

function adoptionFolderOf({ settings }: Config): AdoptionFolder | undefined {
  const { manageFolder } = settings;
  return manageFolder === undefined ? undefined : new AdoptionFolder(manageFolder);
}

function openPlane(
  folder: string,
  { nbdTls }: Secrets,
  backups: KeptBackups,
  log: Logger,
): Promise<DataPlane> {
  return startDataPlane(
    { folder, tls: nbdTls },
    {
      onNbd: (event) => {
        if (event.kind === 'fault') log.error({ ...event, err: event.error }, 'nbd');
        else log.info(event, 'nbd');
      },
      onFault: (error) => log.error({ err: error }, 'background work on volumes failed'),
      backups,
    },
  );
}

/** Verifies backups without being asked; the returned function ends it. */
function startVerify(needs: OperationNeeds, config: Config, log: Logger): () => Promise<void> {
  const { verifyRate, verifyDays } = config.settings;
  if (verifyRate === 0) return () => Promise.resolve();
  return startBackgroundVerify({
    needs,
    bytesPerSecond: verifyRate * MiB,
    everyMs: verifyDays * dayMs,
    report: (error) => log.warn({ err: error }, 'a backup cannot be verified now'),
  });
}

/** Takes up the filling of volumes that an earlier process left. */
async function startHydrator(
  { engine }: DataPlane,
  { settings: { hydrationRate } }: Config,
  backups: KeptBackups,
  log: Logger,
): Promise<Hydrator> {
  const hydrator = new Hydrator({
    engine,
    backups,
    bytesPerSecond: hydrationRate === undefined ? undefined : hydrationRate * MiB,
    report: (error) => log.warn({ err: error }, 'a volume cannot be filled from its backup now'),
  });
  await hydrator.start();
  return hydrator;
}

/** Follows the operator's certificates, if there are any; the returned function ends it. */
function renewTls(
  plane: DataPlane,
  config: Config,
  addresses: Addresses,
  secrets: Secrets,
  log: Logger,
): () => Promise<void> {
  const { nbdTls: files } = config;
  const { nbdTls: current } = secrets;
  if (files === undefined || current === undefined) return () => Promise.resolve();
  return renewNbdTls({
    current,
    read: () => readNbdTls(files, { host: addresses.nbdPublic.host }),
    use: (tls) => plane.renewTls(tls),
    onProblem: (error) => log.error({ err: error }, 'the certificates for NBD cannot be used'),
  });
}

interface AppParts {
  readonly needs: OperationNeeds;
  readonly feed: ChangeFeed;
  readonly retries: RetryCounts;
  readonly audit: AuditTrail;
  readonly identity: Identity;
  readonly server: ServerFactory;
}

function composeApp(
  parts: AppParts,
  { config, addresses }: { config: Config; addresses: Addresses },
  log: Logger,
): FastifyInstance {
  const { needs, feed, retries, audit, identity } = parts;
  const { catalog, clock } = needs;
  const { publicUrl } = addresses;
  const { settings } = config;
  const keystone = keystoneUrl(settings);
  const face = { identity, catalog, clock, publicUrl };
  return buildApp({
    log,
    publicUrl,
    authUrl: keystone ?? `${publicUrl}/identity`,
    audit,
    clock,
    server: parts.server,
    bodyBytesMax: settings.httpBodyBytes,
    trustedProxies: settings.trustedProxies,
    limits: { requestsPerSecond: settings.httpRate, loginsPerSecond: settings.httpLoginRate },
    dashboardFolder: fileURLToPath(new URL('../../dashboard/dist', import.meta.url)),
    ready: () => answers(catalog),
    register: (app) => {
      new Metrics({ ...needs, retries }).serve(app);
      // Two services that issue tokens would be one too many.
      if (keystone === undefined) void app.register(identityV3, { ...face, prefix: '/identity' });
      void app.register(imageV2, { ...face, operations: needs, prefix: '/image' });
      void app.register(blockStorageV3, { ...face, operations: needs, prefix: '/volume' });
      void app.register(sessionRoutes, { ...face, prefix: '/firn/v1/session' });
      void app.register(firnV1, { ...face, operations: needs, feed, prefix: '/firn/v1' });
    },
  });
}

async function answers(catalog: Catalog): Promise<void> {
  await catalog.count('settings', {});
}

/**
 * Looks at everything that Firn needs on this host, changes nothing that lasts, and says what to
 * do.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, rm, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { folderOf, openStoreRoot } from '../store/open-root.ts';
import { systemClock } from '../base/clock.ts';
import { errnoOf, isOperatingError, messageOf } from '../base/errors.ts';
import { readHeader } from '../repository/header.ts';
import { type Address, formatAddress } from './address.ts';
import type { Config } from './config.ts';
import { takeDataFolder } from './data-folder.ts';
import { readKeyFile } from './key-file.ts';

export interface Finding {
  readonly what: string;
  /** `bad`: Firn does not work, or data is in danger; `note`: better otherwise. */
  readonly state: 'good' | 'note' | 'bad';
  readonly found: string;
  /** What to do; empty when it is good. */
  readonly advice: string;
}

const storeTimeoutMs = 15_000;
const containersMax = 20;
const waitsMax = 20;
const waitAdvice = 'It goes on by itself. What is at work elsewhere may be stopped there.';

function good(what: string, found: string): Finding {
  return { what, state: 'good', found, advice: '' };
}

function note(what: string, found: string, advice: string): Finding {
  return { what, state: 'note', found, advice };
}

function bad(what: string, found: string, advice: string): Finding {
  return { what, state: 'bad', found, advice };
}

export async function examine(config: Config): Promise<Finding[]> {
  const { dataFolder } = config;
  const isThere = (await stat(dataFolder).catch(whenAbsent)) !== undefined;
  if (!isThere) {
    const place = note('data', `${dataFolder} is not there yet`, 'The first start makes it.');
    const isNamed = config.settings.store !== undefined;
    const store = isNamed ? await storeFindings(config, undefined) : [];
    return [place, ...(await portFindings(config)), ...store];
  }
  const isRunning = await isTaken(dataFolder);
  const ports = isRunning
    ? [good('service', 'a Firn is running on this data folder')]
    : await portFindings(config);
  const catalog = await catalogFinding(dataFolder);
  const waiting = catalog.state === 'good' ? waitFindings(catalogPath(dataFolder)) : [];
  const key = await keyFinding(config, { isFirst: catalog.state === 'note' });
  return [
    await folderFinding(dataFolder),
    await spaceFinding('disk', dataFolder),
    await clockFinding(dataFolder),
    catalog,
    ...waiting,
    ...ports,
    key.finding,
    ...(await storeFindings(config, key.key)),
  ];
}

function whenAbsent(error: unknown): undefined {
  if (errnoOf(error) === 'ENOENT') return undefined;
  throw error;
}

async function isTaken(folder: string): Promise<boolean> {
  try {
    (await takeDataFolder(folder)).release();
    return false;
  } catch (error) {
    if (isOperatingError(error, 'conflict')) return true;
    throw error;
  }
}

/** Writes, syncs and removes a small file. */
async function folderFinding(folder: string): Promise<Finding> {
  const path = join(folder, `doctor-${randomBytes(6).toString('hex')}`);
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    const file = await open(path, 'wx', 0o600);
    await file.writeFile('x');
    await file.sync();
    await file.close();
  } catch (error) {
    const who = `user ${process.getuid?.() ?? ''}`;
    return bad('data', messageOf(error), `Let ${who} read and write ${folder}, and mend its disk.`);
  } finally {
    await rm(path, { force: true });
  }
  const { mode } = await stat(folder);
  if ((mode & 0o077) === 0) return good('data', `${folder} can be written, by its owner alone`);
  return bad('data', `others can look into ${folder}`, `chmod 700 ${folder}`);
}

async function spaceFinding(what: string, folder: string): Promise<Finding> {
  const { bsize, blocks, bavail } = await statfs(folder);
  const free = bavail / Math.max(1, blocks);
  const text = `${Math.round((bavail * bsize) / 2 ** 30)} GiB free (${Math.round(free * 100)} %)`;
  const advice = `Give the file system of ${folder} more room, or delete what is not needed.`;
  if (free < 0.03) return bad(what, text, advice);
  return free < 0.1 ? note(what, text, advice) : good(what, text);
}

/** A catalogue from the future shows a clock that was set back. */
async function clockFinding(folder: string): Promise<Finding> {
  const file = await stat(join(folder, 'catalog.sqlite')).catch(whenAbsent);
  const now = systemClock.now();
  const ahead = (file?.mtimeMs ?? 0) - now;
  const text = new Date(now).toISOString();
  if (ahead < 60_000 && now > Date.UTC(2026, 0, 1)) return good('clock', text);
  return bad('clock', `${text} is behind what was written before`, 'Set the clock, and run NTP.');
}

function catalogPath(folder: string): string {
  return join(folder, 'catalog.sqlite');
}

async function catalogFinding(folder: string): Promise<Finding> {
  const path = catalogPath(folder);
  if ((await stat(path).catch(whenAbsent)) === undefined) {
    return note('catalogue', 'there is none yet', 'The first start makes it.');
  }
  const restore =
    'Stop Firn, move catalog.sqlite away, start it, and run "firn repository adopt --take-over".';
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const rows = database.prepare('pragma quick_check').all();
      const answer = String(rows[0]?.['quick_check'] ?? '');
      if (answer !== 'ok') return bad('catalogue', answer, restore);
      // A file that was cut off at its beginning is an empty database, and as such a sound one.
      database.prepare('select max(number) from migrations').all();
      return good('catalogue', `${path} is sound`);
    } finally {
      database.close();
    }
  } catch (error) {
    return bad('catalogue', messageOf(error), restore);
  }
}

/** Work of a running Firn that waits for somebody else. */
function waitFindings(path: string): Finding[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database
      .prepare(
        `select kind, subject_id, json_extract(payload, '$.waitsFor') as what from jobs
         where state = 'running' and what is not null order by created_at limit ?`,
      )
      .all(waitsMax);
    return rows.map(({ kind, subject_id: subject, what }) =>
      note('work', `${String(kind)} of ${String(subject)} waits for ${String(what)}`, waitAdvice),
    );
  } finally {
    database.close();
  }
}

async function portFindings({ listen, nbd }: Config): Promise<Finding[]> {
  return [await portFinding('HTTP', listen, '--listen'), await portFinding('NBD', nbd, '--nbd')];
}

async function portFinding(what: string, address: Address, flag: string): Promise<Finding> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(address.port, address.host, resolve);
    });
    return good(what, `${formatAddress(address)} is free`);
  } catch (error) {
    const text = `${formatAddress(address)} cannot be used: ${messageOf(error)}`;
    return bad(what, text, `Stop what has it, or choose another with ${flag}.`);
  } finally {
    server.close();
  }
}

async function keyFinding(
  { keyPath, dataFolder }: Config,
  { isFirst }: { isFirst: boolean },
): Promise<{ finding: Finding; key: Uint8Array | undefined }> {
  try {
    const { key } = await readKeyFile(keyPath, { create: false });
    const { mode } = await stat(keyPath);
    if ((mode & 0o077) !== 0) {
      return { finding: bad('key', `others can read ${keyPath}`, `chmod 600 ${keyPath}`), key };
    }
    const isBeside = dirname(keyPath) === dataFolder;
    const advice = 'Keep a copy of it elsewhere: without it no backup can be read.';
    const text = `${keyPath} lies in the data folder`;
    return { finding: isBeside ? note('key', text, advice) : good('key', keyPath), key };
  } catch (error) {
    if (isFirst && isOperatingError(error, 'not_found')) {
      const advice = 'The first start makes it. If the store has backups, give theirs: --key-file.';
      return { finding: note('key', 'there is none yet', advice), key: undefined };
    }
    const advice = 'Put the copy of the key back that you kept elsewhere; see recover.md.';
    return { finding: bad('key', messageOf(error), advice), key: undefined };
  }
}

async function storeFindings(config: Config, key: Uint8Array | undefined): Promise<Finding[]> {
  const { storeUrl, dataFolder } = config;
  try {
    const reached = inTime(reachStore(storeUrl, key), storeTimeoutMs);
    const findings = [good('store', await reached)];
    if (!storeUrl.startsWith('file:')) return findings;
    const folder = folderOf(storeUrl);
    const [one, other] = await Promise.all([stat(folder), stat(dataFolder)]);
    if (one.dev === other.dev) {
      const why = 'backups lie on the same file system as the volumes';
      findings.push(note('store', why, 'Put them on another disk or machine: --store.'));
    }
    return [...findings, await spaceFinding('store space', folder)];
  } catch (error) {
    const text = `${storeUrl}: ${messageOf(error)}`;
    if (isOperatingError(error, 'wrong_key')) {
      return [bad('store', text, 'Use the key file that these backups were made with.')];
    }
    if (isOperatingError(error, 'corrupt')) {
      return [bad('store', text, 'Bring back what is missing; recover.md and keys.md have more.')];
    }
    return [bad('store', text, 'Mount or reach it, or name another with --store.')];
  }
}

/** Lists what is there, and opens each repository with the key. */
async function reachStore(url: string, key: Uint8Array | undefined): Promise<string> {
  const root = openStoreRoot(url);
  try {
    const containers = await root.containers();
    if (key !== undefined) {
      for (const name of containers.slice(0, containersMax)) {
        await readHeader(await root.open(name, { create: false }), { wrappingKey: key });
      }
    }
    const opened = key === undefined ? '' : ', which the key opens';
    return `${url} answers: ${containers.length} containers${opened}`;
  } finally {
    await root.close();
  }
}

async function inTime<R>(work: Promise<R>, ms: number): Promise<R> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The catalogue in one SQLite file.
 *
 * - One connection writes, one transaction at a time, in the order of arrival. Another reads, and
 *   sees what is committed; its statements run to their end at once, so that no reader holds a
 *   checkpoint up.
 * - `synchronous=FULL` in WAL mode: a commit has synced the log when it returns.
 * - The file is for its owner alone, as it holds hashes of passwords.
 */
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import { syncFolder } from '../base/durable-file.ts';
import { fromSystemError, OperatingError } from '../base/errors.ts';
import type { Catalog } from './catalog.ts';
import { DatabaseCatalog, type Database } from './database-catalog.ts';
import { fromDatabaseError } from './database-errors.ts';
import { sqliteTypes } from './column-types.ts';
import { migrate } from './migrate.ts';
import { nodeSqlite, sqliteConnection } from './node-sqlite.ts';
import { Queries } from './queries.ts';
import { Turns } from './turns.ts';
import { sqliteWords } from './words.ts';

/** For how long a statement waits for another process that writes. */
const busyTimeoutMs = 5000;

/**
 * Opens the catalogue in the file `path`, and makes it when there is none. Rejects with `corrupt`
 * for a file that is no database or a damaged one, with `invalid_state` for one that a newer Firn
 * has written.
 */
export async function openSqliteCatalog(options: { path: string }): Promise<Catalog> {
  const { path } = options;
  await makeFile(path);
  const opened: DatabaseSync[] = [];
  try {
    const writer = connect(path);
    opened.push(writer);
    const queries = new Queries(sqliteConnection(writer), sqliteWords);
    await inTransaction(writer, () => migrate(path, sqliteTypes, kyselyOver(writer)));
    assertWhole(path, writer);
    const reader = connect(path);
    opened.push(reader);
    await syncFolder(dirname(path));
    return new DatabaseCatalog(database(reader, writer, queries));
  } catch (error) {
    for (const connection of opened) connection.close();
    throw fromDatabaseError(error);
  }
}

async function makeFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'a', 0o600);
    await file.close();
  } catch (error) {
    throw fromSystemError(error, `Opening the catalogue ${path}`);
  }
}

function connect(path: string): DatabaseSync {
  const connection = new DatabaseSync(path, {
    timeout: busyTimeoutMs,
    enableForeignKeyConstraints: true,
  });
  try {
    connection.exec('pragma journal_mode = wal; pragma synchronous = full');
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Reads all of the file, at about 500 MiB a second. */
function assertWhole(path: string, connection: DatabaseSync): void {
  const row = connection.prepare('pragma quick_check(1)').get();
  if (row?.['quick_check'] === 'ok') return;
  const damage = String(row?.['quick_check']);
  const message = `The catalogue in ${path} is damaged: ${damage}. Restore it from a copy.`;
  throw new OperatingError('corrupt', message);
}

function kyselyOver(connection: DatabaseSync): Kysely<unknown> {
  return new Kysely({ dialect: new SqliteDialect({ database: nodeSqlite(connection) }) });
}

function database(reader: DatabaseSync, writer: DatabaseSync, writes: Queries): Database {
  const turns = new Turns();
  return {
    reads: new Queries(sqliteConnection(reader), sqliteWords),
    inTransaction: (work) => turns.run(() => inTransaction(writer, () => work(writes))),
    close: () =>
      turns.run(async () => {
        reader.close();
        writer.close();
      }),
  };
}

async function inTransaction<R>(writer: DatabaseSync, work: () => Promise<R>): Promise<R> {
  writer.exec('begin immediate');
  try {
    const result = await work();
    writer.exec('commit');
    return result;
  } catch (error) {
    // Some errors, such as a full disk, have rolled back already.
    if (writer.isTransaction) writer.exec('rollback');
    throw error;
  }
}

/** The one place where errors of the two databases become operating errors. */
import { errnoOf, messageOf, OperatingError, type ErrorCode } from '../base/errors.ts';

/** SQLite's primary result codes (the low byte of a result code), sqlite.org/rescode.html. */
const sqliteCodes: ReadonlyMap<number, ErrorCode> = new Map([
  [5, 'unavailable'], // SQLITE_BUSY
  [6, 'unavailable'], // SQLITE_LOCKED
  [8, 'read_only'], // SQLITE_READONLY
  [10, 'io'], // SQLITE_IOERR
  [11, 'corrupt'], // SQLITE_CORRUPT
  [13, 'no_space'], // SQLITE_FULL
  [14, 'io'], // SQLITE_CANTOPEN
  [26, 'corrupt'], // SQLITE_NOTADB
]);

/** Extended codes of a primary key and of a unique index. */
const sqliteUniqueCodes: readonly number[] = [1555, 2067];

/** PostgreSQL's SQLSTATEs, by their longest prefix given here (manual, appendix A). */
const postgresCodes: ReadonlyMap<string, ErrorCode> = new Map([
  ['23505', 'exists'],
  ['53100', 'no_space'],
  ['25006', 'read_only'],
  ['08', 'unavailable'],
  ['40', 'unavailable'],
  ['53', 'unavailable'],
  ['55P03', 'unavailable'],
  ['57P', 'unavailable'],
  ['58', 'io'],
  ['XX001', 'corrupt'],
  ['XX002', 'corrupt'],
]);

/** What a broken or refused connection is called, by the system or by the driver. */
const connectionErrnos: readonly string[] = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
];
const connectionLost =
  /^Connection terminated|^timeout exceeded when trying to connect|not queryable$/;

function sqliteCode(error: Error): ErrorCode | undefined {
  if (!('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  if (sqliteUniqueCodes.includes(error.errcode)) return 'exists';
  return sqliteCodes.get(error.errcode & 0xff);
}

function postgresCode(error: Error): ErrorCode | undefined {
  const state = errnoOf(error);
  if (state === undefined) {
    return connectionLost.test(error.message) ? 'unavailable' : undefined;
  }
  if (connectionErrnos.includes(state)) return 'unavailable';
  return (
    postgresCodes.get(state) ??
    postgresCodes.get(state.slice(0, 3)) ??
    postgresCodes.get(state.slice(0, 2))
  );
}

/** The operating error that an error of a database stands for; any other error as it is. */
export function fromDatabaseError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof OperatingError) return error;
  const code = sqliteCode(error) ?? postgresCode(error);
  if (code === undefined) return error;
  return new OperatingError(code, `The catalogue: ${messageOf(error)}`, { cause: error });
}

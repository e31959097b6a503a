/**
 * Migrations: numbered changes of the tables, in the order of their numbers, each once. One that
 * has been released is never edited. All that a database lacks are made in one transaction, which
 * the caller opens; the row in `migrations` is inserted first, so that two processes cannot make
 * one twice.
 */
import { sql, type Kysely } from 'kysely';
import { OperatingError } from '../base/errors.ts';
import type { ColumnTypes, Migration } from './column-types.ts';
import { firstTables } from './migrations/0001-first-tables.ts';
import { groups } from './migrations/0002-groups.ts';
import { snapshotExports } from './migrations/0003-snapshot-exports.ts';
import { typesAndTransfers } from './migrations/0004-types-and-transfers.ts';
import { verification } from './migrations/0005-verification.ts';
import { auditAndImages } from './migrations/0006-audit-and-images.ts';
import { quotasOfTypes } from './migrations/0007-quotas-of-types.ts';
import { plans } from './migrations/0008-plans.ts';
import { holdsAndWebhooks } from './migrations/0009-holds-and-webhooks.ts';
import { identity } from './migrations/0010-identity.ts';
import { lists } from './migrations/0011-lists.ts';
import { importedBackups } from './migrations/0012-imported-backups.ts';
import { backupExports } from './migrations/0013-backup-exports.ts';
import { requestsOfExports } from './migrations/0014-requests-of-exports.ts';
import { snapshotProgress } from './migrations/0015-snapshot-progress.ts';

const migrations: readonly Migration[] = [
  firstTables,
  groups,
  snapshotExports,
  typesAndTransfers,
  verification,
  auditAndImages,
  quotasOfTypes,
  plans,
  holdsAndWebhooks,
  identity,
  lists,
  importedBackups,
  backupExports,
  requestsOfExports,
  snapshotProgress,
];

/**
 * Brings the tables up to date. `place` is what the database is called in the message of an error.
 */
export async function migrate(
  place: string,
  types: ColumnTypes,
  transaction: Kysely<unknown>,
): Promise<void> {
  await sql`create table if not exists migrations (number integer primary key)`.execute(
    transaction,
  );
  const newest = await sql<{ number: number | null }>`
    select max(number) as number from migrations
  `.execute(transaction);
  const done = newest.rows[0]?.number ?? 0;
  if (done > migrations.length) {
    throw new OperatingError(
      'invalid_state',
      `The catalogue in ${place} was written by a newer Firn: its tables have version ${done}, ` +
        `and this one knows up to ${migrations.length}. Start the newer Firn instead.`,
    );
  }
  for (const [index, migration] of migrations.entries()) {
    const number = index + 1;
    if (number <= done) continue;
    await sql`insert into migrations (number) values (${number})`.execute(transaction);
    for (const statement of migration(types).split(/;\n/)) {
      if (statement.trim() !== '') await sql.raw(statement).execute(transaction);
    }
  }
}

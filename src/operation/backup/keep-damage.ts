import { isOperatingError } from '../../base/errors.ts';
import { type CatalogWriter, everyProject } from '../../catalog/catalog.ts';
import type { BackupRow, Verification, VerifyDepth } from '../../catalog/tables.ts';
import { type FailureCause, recordFailure } from '../message.ts';
import { byId } from '../scope.ts';
import { damageText, type TouchedBackup } from './damage-text.ts';
import type { HealedDamage, VerifyNeeds } from './prove-backup.ts';

/** A backup in these statuses is whole, and may be read. */
export const readable = ['available', 'restoring'] as const;

const rangesMax = 100;
/** Rows that are looked for at a time. */
const idsMax = 100;

interface Outcome {
  readonly depth: VerifyDepth;
  readonly at: number;
  readonly damage: HealedDamage;
}

export interface FoundDamage {
  readonly depth: VerifyDepth;
  readonly damage: HealedDamage;
  readonly signal: AbortSignal;
}

/**
 * Keeps what was found. Damage is a message to each project that it reaches, which names the
 * backups of that project; what could not be made good stands in every one of them.
 */
export async function keepDamage(
  needs: VerifyNeeds,
  cause: FailureCause,
  row: BackupRow,
  { depth, damage, signal }: FoundDamage,
): Promise<void> {
  const { catalog, clock } = needs;
  const others = await othersTouched(needs, row, { damage, signal });
  await catalog.transact(async (transaction) => {
    const at = clock.now();
    if (!(await keepOutcome(transaction, row.id, { depth, at, damage }))) return;
    if (damage.reason === null) return;
    for (const { backup, ranges } of others) {
      const verification = verificationOf({ depth, at, damage: { ...damage, ranges } });
      // It was not verified itself, and is due as it was.
      await transaction.change('backups', readableById(backup.id), { verification });
    }
    const touched = Map.groupBy([{ backup: row, ranges: damage.ranges }, ...others], ofProject);
    for (const [projectId, backups] of touched) {
      const isOwn = projectId === row.projectId;
      const subjectId = isOwn ? cause.subjectId : (backups[0]?.backup.id ?? row.id);
      await recordFailure(transaction, clock, {
        job: { ...cause, projectId, subjectId },
        resource: 'VOLUME_BACKUP',
        action: 'verify backup',
        error: damageText(backups, damage.reason),
        advice: damage.isHealed
          ? 'It was stored anew from another copy, and is whole again.'
          : 'Back up the volume again, and verify other backups of it.',
      });
    }
  });
}

const ofProject = ({ backup }: TouchedBackup): string => backup.projectId;

/** The other backups that hold what is damaged and was not made good, with where in each. */
async function othersTouched(
  { catalog, repositories }: VerifyNeeds,
  { id, container, storedId }: BackupRow,
  { damage, signal }: Omit<FoundDamage, 'depth'>,
): Promise<TouchedBackup[]> {
  if (damage.reason === null || damage.isHealed || damage.ranges.length === 0) return [];
  try {
    const repository = await repositories.open(container, { create: false });
    const manifest = await repository.readManifest(storedId ?? id);
    const reached = await repository.reachOf(manifest, damage.ranges, signal);
    const rangesOf = new Map(reached.map(({ backupId, ranges }) => [backupId, ranges]));
    const ids = [...rangesOf.keys()];
    const touched: TouchedBackup[] = [];
    for (let at = 0; at < ids.length; at += idsMax) {
      const some = ids.slice(at, at + idsMax);
      for (const field of ['id', 'storedId'] as const) {
        const where = { projectId: everyProject, [field]: some, container } as const;
        for (const backup of await catalog.list('backups', { where, limit: 1000 })) {
          if (backup.id === id || (field === 'id' && backup.storedId !== null)) continue;
          touched.push({ backup, ranges: rangesOf.get(backup.storedId ?? backup.id) ?? [] });
        }
      }
    }
    return touched;
  } catch (error) {
    // What was found is told all the same.
    if (!isOperatingError(error) || isOperatingError(error, 'aborted')) throw error;
    return [];
  }
}

/** Keeps what was found in the backup's row; false when the backup is gone. */
export async function keepOutcome(
  transaction: CatalogWriter,
  backupId: string,
  { depth, at, damage }: Outcome,
): Promise<boolean> {
  const changes = { verification: verificationOf({ depth, at, damage }), verifiedAt: at };
  const row = await transaction.change('backups', readableById(backupId), changes);
  return row !== undefined;
}

const readableById = (backupId: string) => ({ ...byId(backupId), status: readable });

function verificationOf({ depth, at, damage }: Outcome): Verification {
  return {
    depth,
    outcome: damage.reason === null ? 'good' : damage.isHealed ? 'healed' : 'damaged',
    at,
    damage: damage.ranges.slice(0, rangesMax).map((range) => ({ ...range })),
    reason: damage.reason,
  };
}

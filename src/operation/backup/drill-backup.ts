/**
 * The restore test of a backup: it is restored at once into a scratch volume that no user sees, and
 * what is there is looked at: the partition table, and each filesystem by its own tool, over NBD.
 * The scratch volume is gone afterwards; a job that was killed removes it before it begins anew.
 */
import { join } from 'node:path';
import { backingOf } from '../../backup/backing-source.ts';
import {
  checkFilesystem,
  type FilesystemOutcome,
  unmountLeftover,
} from '../../backup/check-filesystem.ts';
import { contentOf } from '../../backup/filesystems.ts';
import { scratchVolumeId } from '../../backup/hydrator.ts';
import { type Partition, readPartitions } from '../../backup/partitions.ts';
import { formatBytes } from '../../base/bytes.ts';
import { newSecret } from '../../base/ids.ts';
import type { BackupRow, Drill } from '../../catalog/tables.ts';
import type { OperationNeeds } from '../needs.ts';
import { storedIdOf } from './find-backup.ts';

export type DrillNeeds = Pick<
  OperationNeeds,
  'clock' | 'engine' | 'exports' | 'repositories' | 'hydrator' | 'nbd' | 'journalFolder'
>;

const logCharsMax = 16_000;

/** What a part of the disk is found to be. */
interface Finding {
  readonly outcome: FilesystemOutcome['outcome'];
  readonly lines: readonly string[];
}

/** Restores a backup for a test, and tells what was found. It may be repeated. */
export async function drillNow(
  needs: DrillNeeds,
  backup: BackupRow,
  signal: AbortSignal,
): Promise<Drill> {
  await clearDrill(needs, backup.id);
  const { clock, repositories, hydrator } = needs;
  const repository = await repositories.open(backup.container, { create: false });
  const manifest = await repository.readManifest(storedIdOf(backup));
  const volumeId = scratchVolumeId(backup.id);
  const { lengthBytes } = manifest;
  const backing = backingOf(backup.container, manifest);
  await hydrator.createVolume({ volumeId, lengthBytes, backing });
  try {
    const findings = await lookAt(needs, backup.id, lengthBytes, signal);
    const has = (outcome: Finding['outcome']): boolean =>
      findings.some((each) => each.outcome === outcome);
    const log = findings.flatMap((each) => each.lines).join('\n');
    return {
      outcome: has('damaged') ? 'damaged' : has('good') ? 'good' : 'unchecked',
      at: clock.now(),
      log: log.slice(0, logCharsMax),
    };
  } finally {
    await clearDrill(needs, backup.id);
  }
}

/** Removes what a drill has made, whoever made it. */
export async function clearDrill(needs: DrillNeeds, backupId: string): Promise<void> {
  await unmountLeftover(mountPathOf(needs, backupId));
  await needs.engine.deleteVolume(scratchVolumeId(backupId));
}

function mountPathOf({ journalFolder }: DrillNeeds, backupId: string): string {
  return join(journalFolder, `${backupId}.drill`, 'disk');
}

async function lookAt(
  needs: DrillNeeds,
  backupId: string,
  lengthBytes: number,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { engine } = needs;
  const device = await engine.openVolume(scratchVolumeId(backupId));
  const found: { part: Partition; kind: Awaited<ReturnType<typeof contentOf>> }[] = [];
  const findings: Finding[] = [];
  try {
    const { kind, partitions, faults } = await readPartitions(device);
    const whole = { number: 0, offsetBytes: 0, lengthBytes };
    const table = kind === 'none' ? 'no partition table' : `${kind}, ${partitions.length} parts`;
    const outcome = faults.length > 0 ? 'damaged' : 'unchecked';
    findings.push({ outcome, lines: [`disk: ${table}`, ...faults] });
    for (const part of kind === 'none' ? [whole] : partitions) {
      found.push({ part, kind: await contentOf(device, part) });
    }
  } finally {
    await device.close();
  }
  for (const { part, kind } of found) {
    const name = part.number === 0 ? 'disk' : `partition ${part.number}`;
    const { outcome, log } = await checkPart(needs, backupId, { part, kind, signal });
    const title = `${name} (${formatBytes(part.lengthBytes)}, ${kind}): ${wordOf[outcome]}`;
    findings.push({ outcome, lines: [title, log] });
  }
  return findings;
}

const wordOf = { good: 'good', damaged: 'DAMAGED', unchecked: 'not checked' } as const;

async function checkPart(
  needs: DrillNeeds,
  backupId: string,
  options: {
    part: Partition;
    kind: Awaited<ReturnType<typeof contentOf>>;
    signal: AbortSignal;
  },
): Promise<FilesystemOutcome> {
  const { exports, nbd } = needs;
  const { part, kind, signal } = options;
  const name = newSecret();
  const { offsetBytes, lengthBytes } = part;
  const source = { volumeId: scratchVolumeId(backupId) };
  await exports.add(name, { source, readOnly: false, range: { offsetBytes, lengthBytes } });
  try {
    const uri = `nbd+unix:///${name}?socket=${encodeURI(nbd.socketPath)}`;
    return await checkFilesystem({ kind, uri, mountPath: mountPathOf(needs, backupId), signal });
  } finally {
    await exports.remove(name);
  }
}

import { must } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import type { WantedSnapshot } from './engine.ts';
import { withFrozen } from './freeze.ts';
import type { SnapshotRecord } from './volume-record.ts';
import type { VolumeSet } from './volume-set.ts';
import type { VolumeState } from './volume-state.ts';

/** The snapshots that each volume is to get. */
export type Wanted = ReadonlyMap<VolumeState, ReadonlySet<string>>;

/**
 * Sorts a list of wanted snapshots by their volumes; one that is listed twice counts once. Throws
 * `not_found` for a volume that is not there, `exists` when two volumes want one id.
 */
export function wantedOf(set: VolumeSet, list: readonly WantedSnapshot[]): Wanted {
  const wanted = new Map<VolumeState, Set<string>>();
  const volumeOf = new Map<string, VolumeState>();
  for (const { volumeId, snapshotId } of list) {
    const volume = set.get(volumeId);
    if ((volumeOf.get(snapshotId) ?? volume) !== volume) throw snapshotExists(snapshotId);
    volumeOf.set(snapshotId, volume);
    wanted.set(volume, (wanted.get(volume) ?? new Set()).add(snapshotId));
  }
  return wanted;
}

/**
 * Takes all snapshots of a list at one instant, durably, or none; nothing is done when they are
 * there already. Called with the controls of all the volumes; calls `onTaken` when the instant has
 * passed. Throws `exists` when some are there
 * and others are not: no later instant can be theirs.
 */
export async function takeSnapshots(
  set: VolumeSet,
  wanted: Wanted,
  { createdAt, onTaken }: { createdAt: string; onTaken: () => void },
): Promise<void> {
  const ids = [...wanted].flatMap(([volume, names]) =>
    [...names].map((snapshotId) => ({ volume, snapshotId })),
  );
  const found = ids.flatMap(({ volume, snapshotId }) => volume.snapshot(snapshotId) ?? []);
  const [first] = found;
  if (first !== undefined) {
    const isGroup = found.every((each) => each.createdAt === first.createdAt);
    if (isGroup && found.length === ids.length) return;
    throw snapshotExists(first.id);
  }
  for (const { snapshotId } of ids) {
    if (set.ownerOf(snapshotId) !== undefined) throw snapshotExists(snapshotId);
  }
  for (const { volume, snapshotId } of ids) set.reserve(snapshotId, volume);
  try {
    const volumes = [...wanted.keys()];
    await withFrozen(set, volumes, onTaken, async (frozen) => {
      const changes = volumes.map((volume, index) => {
        const layer = must(frozen[index], 'each volume has a frozen layer').id;
        const { record } = volume;
        const { lengthBytes } = record;
        const names = [...must(wanted.get(volume), 'a wanted volume')];
        const added = names.map((id): SnapshotRecord => ({ id, layer, lengthBytes, createdAt }));
        return { volume, record: { ...record, snapshots: [...record.snapshots, ...added] } };
      });
      const [only, ...others] = changes;
      if (only !== undefined && others.length === 0) await only.volume.change(only.record);
      else await set.pending.commit(changes);
    });
  } finally {
    for (const { volume, snapshotId } of ids) {
      if (volume.snapshot(snapshotId) === undefined) set.unreserve(snapshotId);
    }
  }
}

export function snapshotExists(snapshotId: string): OperatingError {
  return new OperatingError('exists', `There is another snapshot ${snapshotId}.`);
}

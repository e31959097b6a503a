import { GiB } from '../../base/bytes.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds, Starting } from '../needs.ts';
import { applyLimits } from '../qos/apply-limits.ts';
import { demandQuota, demandVolumeSize } from '../quota.ts';
import { isOneOf, volumeChanges } from '../states.ts';
import { changeVolume } from './change-volume.ts';
import { findVolume, invalidInput, invalidVolume } from './find-volume.ts';
import { releaseVolume } from './release-volume.ts';
import { byId } from '../scope.ts';

const { from, during, failed } = volumeChanges.extend;

/**
 * Begins to grow a volume; `online`: also one that is in use, whose clients can use the new bytes
 * at once. The row has the new size at once, so that the quota holds it; when the growth fails it
 * gets the old size back.
 */
export async function extendVolume(
  needs: Starting & Pick<OperationNeeds, 'exports'>,
  caller: Caller,
  volumeId: string,
  options: { newSize: number; online: boolean },
): Promise<void> {
  const { catalog, clock, jobs } = needs;
  const { newSize } = options;
  authorize(caller, 'volume:extend');
  await catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    const online = options.online && row.status === 'in-use';
    if (online) authorize(caller, 'volume:extend_attached_volume');
    if (!isOneOf(row.status, online ? from : ['available'])) {
      throw invalidVolume(
        `Volume ${volumeId} status must be 'available' to extend, currently ${row.status}.`,
      );
    }
    if (newSize <= row.size) {
      throw invalidInput(
        'New size for extend must be greater than current size. ' +
          `(current: ${row.size}, extended: ${newSize}).`,
        'new_size',
      );
    }
    await demandVolumeSize(transaction, row.projectId, newSize);
    const demand = { gigabytes: newSize - row.size };
    await demandQuota(transaction, row.projectId, demand, row.volumeTypeId);
    await changeVolume(transaction, row, [row.status], {
      status: during,
      previousStatus: row.status,
      size: newSize,
      updatedAt: clock.now(),
    });
    await jobs.add(transaction, {
      kind: 'volume.extend',
      projectId: row.projectId,
      subjectId: row.id,
      requestId: caller.requestId,
      payload: { oldSize: row.size, newSize },
    });
  });
  jobs.wake();
  await applyLimits(needs, volumeId);
}

export function extendVolumeJob(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'engine' | 'exports'>,
): JobHandler {
  const { catalog, clock, engine } = needs;
  return {
    async run({ subjectId: id }) {
      const row = await catalog.find('volumes', byId(id));
      if (row?.status !== during) return;
      await engine.extendVolume(id, row.size * GiB);
      await catalog.transact((transaction) =>
        releaseVolume(transaction, { volumeId: id, during, nowMs: clock.now() }),
      );
    },

    async fail(job, error) {
      const oldSize = job.payload['oldSize'];
      await catalog.transact(async (transaction) => {
        const changed = await transaction.change(
          'volumes',
          { ...byId(job.subjectId), status: during },
          {
            status: failed,
            previousStatus: null,
            updatedAt: clock.now(),
            ...(typeof oldSize === 'number' ? { size: oldSize } : {}),
          },
        );
        if (changed === undefined) return;
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME',
          action: 'extend volume',
          error,
          advice: 'The volume kept its size; ask an administrator to reset its status.',
        });
      });
      await applyLimits(needs, job.subjectId);
    },
  };
}

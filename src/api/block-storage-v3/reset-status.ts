import type { Static } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import { volumeStatuses } from '../../operation/states.ts';
import type { VolumeReset } from '../../operation/volume/reset-volume-status.ts';
import { parseBody } from '../body.ts';
import { ResetStatus, type ResetVolumeStatus } from './volume-schema.ts';

/** The status that an administrator wants to set: one of `statuses`. */
export function parseStatus<S extends string>(body: object, statuses: readonly S[]): S {
  return knownStatus(parseBody(ResetStatus, body)['os-reset_status'].status, statuses);
}

/** What an administrator wants to set right of a volume; at least one of its statuses. */
export function parseVolumeReset(body: Static<typeof ResetVolumeStatus>): VolumeReset {
  const { status, attach_status: attach, migration_status } = body['os-reset_status'];
  if ((status ?? attach ?? migration_status ?? null) === null) {
    throw new OperatingError(
      'invalid_input',
      "Must specify 'status', 'attach_status' or 'migration_status' for update.",
      { field: 'status' },
    );
  }
  return {
    ...((status ?? null) === null ? {} : { status: knownStatus(status, volumeStatuses) }),
    detached: attach === 'detached',
  };
}

function knownStatus<S extends string>(
  status: string | null | undefined,
  statuses: readonly S[],
): S {
  const found = statuses.find((one) => one === status?.toLowerCase());
  if (found === undefined) {
    throw new OperatingError(
      'invalid_input',
      `Invalid input for field/attribute status. Value: ${status ?? 'None'}. ` +
        `It is not one of ${statuses.join(', ')}.`,
      { field: 'status' },
    );
  }
  return found;
}

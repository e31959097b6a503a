import { OperatingError } from '../../base/errors.ts';
import { parseBody } from '../body.ts';
import { ResetStatus } from './volume-schema.ts';

/** The status that an administrator wants to set: one of `statuses`. */
export function parseStatus<S extends string>(body: object, statuses: readonly S[]): S {
  const { status } = parseBody(ResetStatus, body)['os-reset_status'];
  const found = statuses.find((one) => one === status?.toLowerCase());
  if (found === undefined) {
    throw new OperatingError(
      'invalid_input',
      `Invalid input for field/attribute status. Value: ${status}. ` +
        `It is not one of ${statuses.join(', ')}.`,
      { field: 'status' },
    );
  }
  return found;
}

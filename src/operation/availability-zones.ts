import { OperatingError } from '../base/errors.ts';

/** The only zone there is, under the name that clients take when none is given. */
export const availabilityZone = 'nova';

/** The zone that a client names; rejects one that there is not. */
export function availabilityZoneFor(name: string | null): string {
  if (name !== null && name !== '' && name !== availabilityZone) {
    const message = `Availability zone '${name}' is invalid.`;
    throw new OperatingError('invalid_input', message, { field: 'availability_zone' });
  }
  return availabilityZone;
}

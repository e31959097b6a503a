import { OperatingError } from '../../base/errors.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize, type Action } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { findGroup } from './find-group.ts';

/** Nothing is replicated here: whoever may ask for it is told so. */
export async function refuseReplication(
  { catalog }: Reading,
  caller: Caller,
  action: Action,
  groupId: string,
): Promise<never> {
  authorize(caller, action);
  const { id } = await findGroup(catalog, caller, groupId);
  throw new OperatingError(
    'invalid_state',
    `Invalid group type: Group ${id} is not a replication group type.`,
  );
}

import type { RoleAssignmentRow } from '../catalog/identity-tables.ts';

/** What stands in `targetId` for the system as a whole. */
export const systemId = 'system';

/** The row of a role that is given; of what is given twice there is one row. */
export function assignment(facts: Omit<RoleAssignmentRow, 'id'>): RoleAssignmentRow {
  const { actorId, targetId, roleId, inherited } = facts;
  const parts = [actorId, targetId, roleId, ...(inherited ? ['inherited'] : [])];
  return { ...facts, id: parts.join(':') };
}

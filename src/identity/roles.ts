/** The roles that mean something to the policy. */
export const roleNames = ['admin', 'member', 'reader'] as const;

export type RoleName = (typeof roleNames)[number];

export const adminRoleName: RoleName = 'admin';

/** Who has a role has these besides, as in Keystone since its first roles. */
export const impliedRoles: Readonly<Record<RoleName, readonly RoleName[]>> = {
  admin: ['member', 'reader'],
  member: ['reader'],
  reader: [],
};

/** The names, and those that they imply. */
export function withImplied(names: readonly string[]): Set<string> {
  const implied = roleNames
    .filter((role) => names.includes(role))
    .map((role) => impliedRoles[role]);
  return new Set([...names, ...implied.flat()]);
}

/** The rows of the catalogue that say who is there, and who did what. See `tables.ts`. */

export interface DomainRow {
  id: string;
  name: string;
  description: string;
  enabled: boolean;
}

export interface ProjectRow {
  id: string;
  domainId: string;
  name: string;
  description: string;
  enabled: boolean;
  createdAt: number;
}

export interface UserRow {
  id: string;
  domainId: string;
  name: string;
  /** scrypt, in PHC string form. */
  passwordHash: string;
  enabled: boolean;
  defaultProjectId: string | null;
  /** Wrong passwords in a row, and until when guessing is locked out. */
  failedLogins: number;
  lockedUntil: number | null;
  createdAt: number;
}

export interface RoleRow {
  id: string;
  name: string;
}

export interface RoleAssignmentRow {
  /** user, project and role, joined by colons. */
  id: string;
  userId: string;
  projectId: string;
  roleId: string;
}

export interface TokenRow {
  /** SHA-256 of the token, in hexadecimal: the token itself is never stored. */
  id: string;
  auditId: string;
  /** The audit id of the first token of the login that it comes from; its own if it is that. */
  chainId: string;
  userId: string;
  /** At most one of project, domain and system is the scope. */
  projectId: string | null;
  domainId: string | null;
  system: boolean;
  /** The application credential that it was got with, or comes from. */
  applicationCredentialId: string | null;
  methods: string[];
  issuedAt: number;
  expiresAt: number;
  revokedAt: number | null;
}

/** One request that changed something, or would have: who did what to what, and how it ended. */
export interface AuditRow {
  id: string;
  /** Of the token; empty when that was not scoped to a project. */
  projectId: string;
  createdAt: number;
  requestId: string;
  /** Null for a login that was refused. */
  userId: string | null;
  userName: string | null;
  /** Where the request came from. */
  address: string;
  /** Of the request, without the query string. */
  path: string;
  /** Kind and verb: `volume.create`, `backup.restore`. */
  action: string;
  resourceType: string;
  resourceId: string | null;
  statusCode: number;
}

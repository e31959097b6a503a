/** The rows of the catalogue that say who is there, and who did what. See `tables.ts`. */
import type { JsonObject } from '../base/json.ts';

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
  /** The project that it is below; null when it is directly in its domain. */
  parentId: string | null;
  tags: string[];
  /** Fields of the clients' own. */
  extra: JsonObject;
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
  /** Fields of the clients' own, such as `email`. */
  extra: JsonObject;
  createdAt: number;
}

/** A group of users. */
export interface UserGroupRow {
  id: string;
  domainId: string;
  name: string;
  description: string;
  createdAt: number;
}

export interface GroupMemberRow {
  /** group and user, joined by a colon. */
  id: string;
  userGroupId: string;
  userId: string;
}

export interface RoleRow {
  id: string;
  name: string;
  description: string | null;
}

/** A role that a user or the users of a group have on a project, on a domain or on the system. */
export interface RoleAssignmentRow {
  /** actor, target and role, joined by colons; an inherited one has a fourth part. */
  id: string;
  actorKind: 'user' | 'group';
  actorId: string;
  targetKind: 'project' | 'domain' | 'system';
  /** `system` for the system. */
  targetId: string;
  roleId: string;
  /** It holds on the projects below the target, and not on the target. */
  inherited: boolean;
}

/** A secret of its own with which a program acts for a user in one project. */
export interface ApplicationCredentialRow {
  id: string;
  userId: string;
  projectId: string;
  name: string;
  description: string | null;
  /** scrypt, in PHC string form. */
  secretHash: string;
  roleIds: string[];
  /** It may make and delete application credentials. */
  unrestricted: boolean;
  /** Ids of the rules of which a request must meet one; empty: none is asked for. */
  accessRules: string[];
  expiresAt: number | null;
  createdAt: number;
}

/** A request that an application credential may be for. */
export interface AccessRuleRow {
  id: string;
  userId: string;
  /** The type of the service: `volumev3`. */
  service: string;
  method: string;
  /** `*` stands for a part of the path, `**` for many, `{name}` for a part. */
  path: string;
}

export interface RegionRow {
  id: string;
  description: string;
  parentRegionId: string | null;
}

/** A service that is none of Firn's own. */
export interface ServiceRow {
  id: string;
  type: string;
  name: string | null;
  description: string | null;
  enabled: boolean;
}

export interface EndpointRow {
  id: string;
  serviceId: string;
  interface: 'public' | 'internal' | 'admin';
  regionId: string | null;
  url: string;
  enabled: boolean;
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

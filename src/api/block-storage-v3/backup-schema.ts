/**
 * Requests about backups (cinder/api/schemas/backups.py), whose fields grow with the microversion.
 */
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { parseBody } from '../body.ts';
import { Bool, Description, exactly, MetadataFields, Name, orNull, Uuid } from './fields.ts';

const createFields = {
  volume_id: Uuid,
  snapshot_id: Type.Optional(orNull(Uuid)),
  name: Type.Optional(Name),
  description: Type.Optional(Description),
  container: Type.Optional(Name),
  incremental: Type.Optional(Bool),
  force: Type.Optional(Bool),
};

const metadata = Type.Optional(orNull(MetadataFields));

const CreateBackup = exactly({ backup: exactly(createFields) });
const CreateBackup43 = exactly({ backup: exactly({ ...createFields, metadata }) });
const CreateBackup51 = exactly({
  backup: exactly({ ...createFields, metadata, availability_zone: Type.Optional(Name) }),
});

export const createBackupSchemas = [CreateBackup, CreateBackup43, CreateBackup51] as const;

/** What a request of this microversion asks for. */
export function parseCreateBackup(
  body: unknown,
  microversion: number,
): Static<typeof CreateBackup51>['backup'] {
  if (microversion >= 51) return parseBody(CreateBackup51, body).backup;
  if (microversion >= 43) return parseBody(CreateBackup43, body).backup;
  return parseBody(CreateBackup, body).backup;
}

const updateFields = { name: Type.Optional(Name), description: Type.Optional(Description) };
const atLeastOne = { additionalProperties: false, minProperties: 1 };

const UpdateBackup = exactly({ backup: Type.Object(updateFields, atLeastOne) });
const UpdateBackup43 = exactly({
  backup: Type.Object({ ...updateFields, metadata }, atLeastOne),
});

/** What a request of this microversion asks for. */
export function parseUpdateBackup(
  body: unknown,
  microversion: number,
): Static<typeof UpdateBackup43>['backup'] {
  return parseBody(microversion >= 43 ? UpdateBackup43 : UpdateBackup, body).backup;
}

export const updateBackupSchemas = [UpdateBackup, UpdateBackup43] as const;

/** The body of an import, and of the answer to an export. */
export const ImportRecord = exactly({
  'backup-record': exactly({
    backup_service: Type.String({ minLength: 1, maxLength: 255 }),
    backup_url: Type.String({ minLength: 1 }),
  }),
});

export const RestoreBackup = exactly({
  restore: exactly({
    volume_id: Type.Optional(orNull(Uuid)),
    name: Type.Optional(Name),
  }),
});

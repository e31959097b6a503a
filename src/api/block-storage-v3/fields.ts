/** Fields that the schemas of several requests share, with Cinder's limits. */
import { Type } from 'typebox';
import type { TSchema } from 'typebox';
import type { Metadata } from '../../catalog/tables.ts';

export const orNull = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

export const Name = orNull(Type.String({ maxLength: 255 }));
export const Description = orNull(Type.String({ maxLength: 255 }));
export const Uuid = Type.String({ format: 'uuid' });

/** Keys of 1 to 255 characters (`cinder.csi.openstack.org/cluster`), values of up to 255. */
export const MetadataFields = Type.Record(
  Type.String({ pattern: '^[a-zA-Z0-9-_:. /]{1,255}$' }),
  Type.String({ maxLength: 255 }),
  { additionalProperties: false, maxProperties: 128 },
);

/** True and false, also as the words that clients send for them. */
export const Bool = Type.Union([
  Type.Boolean(),
  Type.String({
    pattern: '^(?:[Tt]rue|TRUE|[Ff]alse|FALSE|1|0|[Oo]n|[Oo]ff|[Yy]es|[Nn]o|t|f|y|n)$',
  }),
]);

export function toBool(value: boolean | string | undefined, otherwise = false): boolean {
  if (value === undefined) return otherwise;
  if (typeof value === 'boolean') return value;
  return ['true', '1', 'on', 'yes', 't', 'y'].includes(value.toLowerCase());
}

/** A size in GiB, also as digits. */
export const Size = Type.Union([
  Type.Integer({ minimum: 1, maximum: 0x7fffffff }),
  Type.String({ pattern: '^0*[1-9][0-9]{0,9}$' }),
]);

/** A name without the blanks around it; null stays null. */
export function trimmed(text: string | null | undefined): string | null {
  return text?.trim() ?? null;
}

/** An object that holds just these fields. */
export function exactly<P extends Record<string, TSchema>>(fields: P) {
  return Type.Object(fields, { additionalProperties: false });
}

/** Metadata of a request; none when it is missing or null. */
export function metadataOf(metadata: Metadata | null | undefined): Metadata {
  return metadata ?? {};
}

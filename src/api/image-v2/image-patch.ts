/**
 * Changes of an image: media type `application/openstack-images-v2.1-json-patch`, a list of `add`,
 * `replace` and `remove` of whole fields (docs.openstack.org, "HTTP PATCH media types" of Glance).
 */
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import type { ImageRow } from '../../catalog/tables.ts';
import type { ImageContent } from '../../operation/image/change-image.ts';
import { parseBody } from '../body.ts';
import { ImageBody, readOnly, settable } from './image-schema.ts';

export const ImagePatchBody = Type.Array(
  Type.Object({
    op: Type.Union([Type.Literal('add'), Type.Literal('replace'), Type.Literal('remove')]),
    path: Type.String({ pattern: '^/[^/]{1,255}$' }),
    value: Type.Optional(Type.Unknown()),
  }),
  { maxItems: 256 },
);

export type ImagePatch = Static<typeof ImagePatchBody>;

export function parseImagePatch(body: unknown): ImagePatch {
  return parseBody(ImagePatchBody, body);
}

/** Rejects with `forbidden` a field that only the service sets. */
export function mayBeSet(field: string): void {
  if (!readOnly.has(field)) return;
  throw new OperatingError('forbidden', `Attribute '${field}' is read-only.`, { field });
}

/** What a client sent, as the columns of a record. */
export function contentOf(body: ImageBody): ImageContent {
  const { id: _id, name, visibility, ...properties } = body;
  return {
    name: name ?? null,
    visibility: visibility ?? 'shared',
    properties,
  };
}

/** The image's content after all changes; all of them are checked before any is kept. */
export function applyImagePatch(row: ImageRow, patch: ImagePatch): ImageContent {
  const fields = new Map<string, unknown>([
    ...Object.entries(row.properties),
    ['name', row.name],
    ['visibility', row.visibility],
  ]);
  for (const { op, path, value } of patch) {
    const field = path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
    mayBeSet(field);
    if (field === 'id') throw new OperatingError('forbidden', "Attribute 'id' is read-only.");
    if (op !== 'add' && !fields.has(field) && !(field in settable)) {
      throw new OperatingError('conflict', `Property ${field} does not exist.`, { field });
    }
    if (op !== 'remove') fields.set(field, value);
    else if (!(field in settable)) fields.delete(field);
    else throw new OperatingError('forbidden', `Property '${field}' cannot be removed.`, { field });
  }
  return contentOf(parseBody(ImageBody, Object.fromEntries(fields)));
}

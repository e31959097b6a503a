/**
 * The fields of an image (api-ref of Glance, Image v2): one schema is the validator of what clients
 * send, and is served as `/v2/schemas/image`.
 */
import { Type } from 'typebox';
import type { Static } from 'typebox';

const formats = (names: readonly string[]) =>
  Type.Union([...names.map((name) => Type.Literal(name)), Type.Null()]);

/** What a client may set by name. */
export const settable = {
  name: Type.Union([Type.String({ maxLength: 255 }), Type.Null()]),
  visibility: Type.Union([
    Type.Literal('public'),
    Type.Literal('private'),
    Type.Literal('shared'),
    Type.Literal('community'),
  ]),
  protected: Type.Boolean(),
  os_hidden: Type.Boolean(),
  tags: Type.Array(Type.String({ maxLength: 255 }), { maxItems: 128 }),
  container_format: formats(['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed']),
  disk_format: formats([
    'ami',
    'ari',
    'aki',
    'vhd',
    'vhdx',
    'vmdk',
    'raw',
    'qcow2',
    'vdi',
    'iso',
    'ploop',
  ]),
  min_disk: Type.Integer({ minimum: 0, maximum: 0x7fffffff }),
  min_ram: Type.Integer({ minimum: 0, maximum: 0x7fffffff }),
};

/** Fields that the service alone sets. */
export const readOnly: ReadonlySet<string> = new Set([
  'status',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'size',
  'virtual_size',
  'owner',
  'created_at',
  'updated_at',
  'self',
  'file',
  'schema',
  'direct_url',
  'locations',
  'stores',
]);

export const propertiesMax = 128;

/** Fields of the caller's own: text under any name that is not taken. */
const OwnProperty = Type.String({ maxLength: 65_535 });

export const ImageBody = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
      }),
    ),
    ...Type.Partial(Type.Object(settable)).properties,
  },
  { additionalProperties: OwnProperty, maxProperties: propertiesMax },
);

export type ImageBody = Static<typeof ImageBody>;

/** `GET /v2/schemas/image`. */
export function imageSchema(): object {
  const readOnlyText = { type: ['null', 'string'], readOnly: true };
  return {
    name: 'image',
    properties: {
      id: { type: 'string' },
      ...settable,
      ...Object.fromEntries([...readOnly].map((name) => [name, readOnlyText])),
    },
    additionalProperties: { type: 'string' },
    links: [
      { rel: 'self', href: '{self}' },
      { rel: 'enclosure', href: '{file}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  };
}

/** `GET /v2/schemas/images`. */
export function imagesSchema(): object {
  return {
    name: 'images',
    properties: {
      images: { type: 'array', items: imageSchema() },
      first: { type: 'string' },
      next: { type: 'string' },
      schema: { type: 'string' },
    },
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  };
}

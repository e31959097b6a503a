/** Image v2, to be registered under `/image`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Identity } from '../../identity/identity.ts';
import { changeImage } from '../../operation/image/change-image.ts';
import { createImage } from '../../operation/image/create-image.ts';
import { deleteImage } from '../../operation/image/delete-image.ts';
import { findImage } from '../../operation/image/image-access.ts';
import { listImages } from '../../operation/image/list-images.ts';
import { authenticate } from '../authenticate.ts';
import { OpenApi } from '../openapi.ts';
import { asks, takes } from '../takes.ts';
import { parseBody } from '../body.ts';
import { readQuery } from '../query.ts';
import type { Query } from '../query.ts';
import { imageActionRoutes } from './image-actions.ts';
import { imageDataRoutes, type ImageNeeds } from './image-data-routes.ts';
import {
  applyImagePatch,
  contentOf,
  mayBeSet,
  ImagePatchBody,
  parseImagePatch,
} from './image-patch.ts';
import { imageQueries, parseImageQuery } from './image-query.ts';
import { ImageBody, imageSchema, imagesSchema } from './image-schema.ts';
import { tagRoutes } from './image-tags.ts';
import { imageView } from './image-view.ts';

export interface ImageV2Options {
  readonly identity: Identity;
  readonly operations: ImageNeeds;
  /** Without a slash at the end. */
  readonly publicUrl: string;
}

type ById = FastifyRequest<{ Params: { id: string } }>;

export async function imageV2(app: FastifyInstance, options: ImageV2Options): Promise<void> {
  const versions = {
    versions: ['v2.9', 'v2.7', 'v2.2', 'v2.1', 'v2.0'].map((id, index) => ({
      id,
      status: index === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${options.publicUrl}/image/v2/` }],
    })),
  };
  app.get('/', async (_request, reply) => {
    reply.code(300);
    return versions;
  });
  app.get('/versions', async () => versions);
  const openApi = new OpenApi(face);
  app.addHook('onRoute', (route) => openApi.add(route));
  app.get('/openapi.json', async () => openApi.document(options.publicUrl));
  await app.register(v2, { ...options, prefix: '/v2' });
}

const face = {
  title: 'Image v2',
  version: '2.9',
  description:
    'As much of the Image API of OpenStack as clients need to make volumes of images, and images ' +
    'of volumes. A change is a JSON patch of the type ' +
    '`application/openstack-images-v2.1-json-patch`; data goes as `application/octet-stream`.',
  path: '/image/v2',
} as const;

async function v2(app: FastifyInstance, options: ImageV2Options): Promise<void> {
  const { identity, operations, publicUrl } = options;
  const { catalog } = operations;
  app.addHook('onRequest', authenticate({ identity, publicUrl, scope: 'project' }));
  app.get('/schemas/image', async () => imageSchema());
  app.get('/schemas/images', async () => imagesSchema());

  app.get('/images', asks(...imageQueries), async (request) => {
    const query = readQuery(request);
    const { filters, sort, page } = parseImageQuery(query);
    const rows =
      filters === undefined
        ? []
        : await listImages(catalog, request.caller, { filters, sort, ...page });
    const last = rows.length === page.limit ? rows.at(-1)?.id : undefined;
    return {
      images: rows.map(imageView),
      first: pageLink(query, undefined),
      ...(last === undefined ? {} : { next: pageLink(query, last) }),
      schema: '/v2/schemas/images',
    };
  });

  app.post('/images', takes(ImageBody), async (request, reply) => {
    for (const field of Object.keys(request.body ?? {})) mayBeSet(field);
    const body = parseBody(ImageBody, request.body);
    const row = await createImage(operations, request.caller, { id: body.id, ...contentOf(body) });
    reply.code(201).header('location', `${options.publicUrl}/image/v2/images/${row.id}`);
    return imageView(row);
  });

  app.get('/images/:id', async (request: ById) =>
    imageView(await findImage(catalog, request.caller, request.params.id)),
  );

  app.patch('/images/:id', takes(ImagePatchBody), async (request: ById) => {
    const patch = parseImagePatch(request.body);
    const { id } = request.params;
    return imageView(
      await changeImage(operations, request.caller, id, (row) => applyImagePatch(row, patch)),
    );
  });

  app.delete('/images/:id', async (request: ById, reply) => {
    await deleteImage(operations, request.caller, request.params.id);
    return reply.code(204).send();
  });

  tagRoutes(app, operations);
  imageDataRoutes(app, options.operations);
  imageActionRoutes(app, options.operations);
}

function pageLink(query: Query, marker: string | undefined): string {
  const { marker: _before, ...rest } = query;
  const search = new URLSearchParams({ ...rest, ...(marker === undefined ? {} : { marker }) });
  return search.size === 0 ? '/v2/images' : `/v2/images?${search.toString()}`;
}

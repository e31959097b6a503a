/** `/v2/images/{id}/tags/{tag}`: words that people put on images. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ImageRow } from '../../catalog/tables.ts';
import type { ImageContent } from '../../operation/image/change-image.ts';
import { changeImage } from '../../operation/image/change-image.ts';
import { parseBody } from '../body.ts';
import { settable } from './image-schema.ts';

type ByTag = FastifyRequest<{ Params: { id: string; tag: string } }>;

export function tagRoutes(app: FastifyInstance, needs: { catalog: Catalog; clock: Clock }): void {
  app.put('/images/:id/tags/:tag', async (request: ByTag, reply) => {
    const { id, tag } = request.params;
    await changeImage(needs, request.caller, id, (row) => withTags(row, [...tagsOf(row), tag]));
    return reply.code(204).send();
  });

  app.delete('/images/:id/tags/:tag', async (request: ByTag, reply) => {
    const { id, tag } = request.params;
    await changeImage(needs, request.caller, id, (row) => {
      const tags = tagsOf(row);
      if (!tags.includes(tag)) {
        throw new OperatingError('not_found', `Could not find tag ${tag.slice(0, 255)}`);
      }
      return withTags(
        row,
        tags.filter((each) => each !== tag),
      );
    });
    return reply.code(204).send();
  });
}

function tagsOf(row: ImageRow): string[] {
  const tags = row.properties['tags'];
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
}

function withTags(row: ImageRow, tags: readonly string[]): ImageContent {
  const { name, visibility, properties } = row;
  const checked = parseBody(settable.tags, [...new Set(tags)]);
  return { name, visibility, properties: { ...properties, tags: checked } };
}

/** `/v2/images/{id}/file`, and the import of images in two steps. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { MiB } from '../../base/bytes.ts';
import { OperatingError } from '../../base/errors.ts';
import { findImage, findOwnImage } from '../../operation/image/image-access.ts';
import { openActiveImage, storeImageData, swap } from '../../operation/image/image-data.ts';
import type { ImageFile } from '../../operation/image/image-files.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import { authorize } from '../../identity/policy.ts';
import { parseBody } from '../body.ts';
import { takes } from '../takes.ts';

export type ImageNeeds = Pick<OperationNeeds, 'catalog' | 'clock' | 'images'>;

type ById = FastifyRequest<{ Params: { id: string } }>;

const chunkBytes = MiB;
const octets = 'application/octet-stream';

/** The one method that needs nobody else's server. */
const importMethod = 'glance-direct';

const Import = Type.Object({
  method: Type.Object({ name: Type.String({ maxLength: 255 }) }),
  all_stores: Type.Optional(Type.Boolean()),
  all_stores_must_succeed: Type.Optional(Type.Boolean()),
  stores: Type.Optional(Type.Array(Type.String({ maxLength: 255 }), { maxItems: 16 })),
});

export function imageDataRoutes(app: FastifyInstance, needs: ImageNeeds): void {
  app.addContentTypeParser(octets, (_request, payload, done) => done(null, payload));
  const config = { takesLong: true } as const;

  async function store(request: ById, status: 'active' | 'uploading'): Promise<void> {
    const { caller, params } = request;
    const { id } = await findOwnImage(needs.catalog, caller, 'image:upload_image', params.id);
    const content = request.body instanceof Readable ? await begun(request.body) : undefined;
    // Clients send an upload of nothing when their standard input is no terminal.
    if (content !== undefined) await storeImageData(needs, id, content, { status });
  }

  app.put('/images/:id/file', { config }, async (request: ById, reply) => {
    await store(request, 'active');
    return reply.code(204).send();
  });

  app.put('/images/:id/stage', { config }, async (request: ById, reply) => {
    await store(request, 'uploading');
    return reply.code(204).send();
  });

  app.post('/images/:id/import', takes(Import), async (request: ById, reply) => {
    const { caller, params } = request;
    const { name } = parseBody(Import, request.body).method;
    const { id } = await findOwnImage(needs.catalog, caller, 'image:upload_image', params.id);
    if (name !== importMethod) {
      throw new OperatingError('invalid_input', `Unknown import method name '${name}'.`);
    }
    await swap(needs, id, 'uploading', { status: 'active' });
    return reply.code(202).send();
  });

  app.get('/images/:id/file', async (request: ById, reply) => {
    authorize(request.caller, 'image:download_image');
    const { status } = await findImage(needs.catalog, request.caller, request.params.id);
    if (status === 'deactivated') {
      throw new OperatingError('forbidden', 'The requested image has been deactivated.');
    }
    if (status !== 'active') return reply.code(204).send();
    const { row, file } = await openActiveImage(needs, request.caller, request.params.id);
    if (row.checksum !== null) reply.header('content-md5', row.checksum);
    return send(request, reply, file);
  });

  app.get('/info/import', async () => ({
    'import-methods': {
      description: 'Import methods available.',
      type: 'array',
      value: [importMethod],
    },
  }));
}

/** Sends the data, or the one range of it that was asked for. */
function send(request: FastifyRequest, reply: FastifyReply, file: ImageFile): FastifyReply {
  const { sizeBytes } = file;
  const range = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(request.headers.range ?? '');
  const start = Number(range?.[1] ?? 0);
  const last = range?.[2] === undefined || range[2] === '' ? sizeBytes - 1 : Number(range[2]);
  const end = Math.min(last + 1, sizeBytes);
  const stream = Readable.from(pieces(file, start, end), { objectMode: false });
  stream.once('close', () => void file.close());
  if (range !== null && start >= end) {
    stream.destroy();
    return reply.code(416).header('content-range', `bytes */${sizeBytes}`).send();
  }
  if (range !== null) {
    reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${sizeBytes}`);
  }
  return reply
    .type(octets)
    .header('content-length', end - start)
    .send(stream);
}

async function* pieces(file: ImageFile, start: number, end: number): AsyncGenerator<Buffer> {
  for (let offset = start; offset < end; offset += chunkBytes) {
    yield await file.read(offset, Math.min(chunkBytes, end - offset));
  }
}

/** The same bytes, when there is one at least. */
async function begun(stream: Readable): Promise<AsyncIterable<Uint8Array> | undefined> {
  const chunks = fullChunks(stream);
  const first = await chunks.next();
  if (first.done === true) return undefined;
  return (async function* () {
    yield first.value;
    yield* chunks;
  })();
}

/** What comes of a body; one whose client goes away is the client's fault. */
async function* fullChunks(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) {
      if (chunk instanceof Uint8Array && chunk.length > 0) yield chunk;
    }
  } catch {
    // The cause would pass for a fault of this machine.
    throw new OperatingError('invalid_input', 'The request ended before all of its data had come.');
  }
}

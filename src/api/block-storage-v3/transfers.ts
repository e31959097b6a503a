/**
 * Transfers of volumes, under both names that Cinder gives them: `os-volume-transfer`, and since
 * 3.55 `volume-transfers` (api-ref of Cinder, os-volume-transfer and volume-transfers).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import type { TransferRow } from '../../catalog/tables.ts';
import { acceptTransfer } from '../../operation/volume/accept-transfer.ts';
import { listTransfers, showTransfer } from '../../operation/volume/list-transfers.ts';
import { createTransfer, deleteTransfer } from '../../operation/volume/offer-transfer.ts';
import { parseBody } from '../body.ts';
import { Bool, exactly, Name, toBool, trimmed, Uuid } from './fields.ts';
import { listAnswer, readList, type ListFace } from './list-query.ts';
import type { BlockStorageV3Options } from './options.ts';
import { since, viewerOf, type ById } from './request.ts';
import { lists, takes } from '../takes.ts';
import { linksTo, timeView, type Viewer } from './view.ts';

const fields = { volume_id: Uuid, name: Type.Optional(Name) };
export const CreateTransfer = exactly({ transfer: exactly(fields) });
export const CreateTransfer55 = exactly({
  transfer: exactly({ ...fields, no_snapshots: Type.Optional(Bool) }),
});
type NewTransfer = Static<typeof CreateTransfer55>['transfer'];
export const AcceptTransfer = exactly({
  accept: exactly({ auth_key: Type.String({ minLength: 1, maxLength: 255 }) }),
});

const transferList: ListFace<'transfers'> = {
  pagesSince: 59,
  filters: {
    id: (id) => ({ id }),
    name: (name) => ({ name }),
    volume_id: (volumeId) => ({ volumeId }),
  },
  sortFields: { id: 'id', name: 'name', display_name: 'name', created_at: 'createdAt' },
};

interface Path {
  readonly path: 'os-volume-transfer' | 'volume-transfers';
  readonly first: number;
}

const paths: readonly Path[] = [
  { path: 'os-volume-transfer', first: 0 },
  { path: 'volume-transfers', first: 55 },
];

function summary(row: TransferRow, viewer: Viewer, { path }: Path): object {
  const { id, volumeId, name } = row;
  return { id, volume_id: volumeId, name, links: linksTo(viewer, path, id) };
}

/** `accepted`, and by which project; an offer that is still there is accepted by none. */
function parties(row: TransferRow, viewer: Viewer, destination: string | null): object {
  if (viewer.microversion < 57) return {};
  return {
    source_project_id: row.projectId,
    destination_project_id: destination,
    accepted: destination !== null,
  };
}

function detail(row: TransferRow, viewer: Viewer, path: Path): object {
  return {
    ...summary(row, viewer, path),
    created_at: timeView(row.createdAt),
    ...(viewer.microversion >= 55 ? { no_snapshots: row.noSnapshots } : {}),
    ...parties(row, viewer, null),
  };
}

export function transferRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  for (const path of paths) {
    listRoutes(app, options, path);
    offerRoutes(app, options, path);
  }
}

function listRoutes(
  app: FastifyInstance,
  { operations, publicUrl }: BlockStorageV3Options,
  path: Path,
): void {
  const answer = async (request: FastifyRequest, view: typeof detail, at: string) => {
    since(request, path.first);
    const list = readList(request, transferList);
    const viewer = viewerOf(request, publicUrl);
    const page = await listTransfers(operations, request.caller, list);
    const items = page.rows.map((row) => view(row, viewer, path));
    return listAnswer({ viewer, list, page, items, path: at, kind: 'transfers' });
  };
  const at = path.path;
  app.get(`/${at}`, lists(transferList), (request) => answer(request, summary, at));
  app.get(`/${at}/detail`, lists(transferList), (request) =>
    answer(request, detail, `${at}/detail`),
  );
  app.get(`/${at}/:id`, async (request: ById) => {
    since(request, path.first);
    const row = await showTransfer(operations, request.caller, request.params.id);
    return { transfer: detail(row, viewerOf(request, publicUrl), path) };
  });
}

function offerRoutes(
  app: FastifyInstance,
  { operations, publicUrl }: BlockStorageV3Options,
  path: Path,
): void {
  const at = `/${path.path}`;
  const schema = path.first === 0 ? CreateTransfer : CreateTransfer55;
  app.post(at, takes(schema), async (request, reply) => {
    since(request, path.first);
    const transfer: NewTransfer = parseBody(schema, request.body).transfer;
    const { row, authKey } = await createTransfer(operations, request.caller, {
      volumeId: transfer.volume_id,
      name: trimmed(transfer.name),
      noSnapshots: toBool(transfer.no_snapshots),
    });
    const viewer = viewerOf(request, publicUrl);
    reply.code(202);
    return { transfer: { ...detail(row, viewer, path), auth_key: authKey } };
  });

  app.post(`${at}/:id/accept`, takes(AcceptTransfer), async (request: ById, reply) => {
    since(request, path.first);
    const { auth_key: authKey } = parseBody(AcceptTransfer, request.body).accept;
    const row = await acceptTransfer(operations, request.caller, request.params.id, authKey);
    const viewer = viewerOf(request, publicUrl);
    reply.code(202);
    const destination = request.caller.projectId;
    return { transfer: { ...summary(row, viewer, path), ...parties(row, viewer, destination) } };
  });

  app.delete(`${at}/:id`, async (request: ById, reply) => {
    since(request, path.first);
    await deleteTransfer(operations, request.caller, request.params.id);
    return reply.code(202).send();
  });
}

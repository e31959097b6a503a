import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import type { AttachmentRow } from '../../catalog/tables.ts';
import { isAllowed } from '../../identity/policy.ts';
import { createAttachment } from '../../operation/attachment/create-attachment.ts';
import { deleteAttachment } from '../../operation/attachment/delete-attachment.ts';
import { listAttachments, showAttachment } from '../../operation/attachment/list-attachments.ts';
import {
  completeAttachment,
  updateAttachment,
} from '../../operation/attachment/update-attachment.ts';
import { parseBody } from '../body.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import { clientSpecsOf } from '../../operation/qos/apply-limits.ts';
import { attachmentDetail, attachmentSummary } from './attachment-view.ts';
import { exactly, orNull, Uuid } from './fields.ts';
import { nextLink, readList, type ListFace } from './list-query.ts';
import type { BlockStorageV3Options } from './options.ts';
import { actionOf, noSuchAction, since, viewerOf, type ById } from './request.ts';
import { Connector, connectorOf, Mode, justNamed } from './volume-schema.ts';
import { lists, takes } from '../takes.ts';

/** Requests about attachments (cinder/api/schemas/attachments.py). */
const createFields = {
  volume_uuid: Uuid,
  instance_uuid: Type.Optional(orNull(Uuid)),
  connector: Type.Optional(orNull(Connector)),
};
const CreateAttachment = exactly({ attachment: exactly(createFields) });
const CreateAttachment54 = exactly({
  attachment: exactly({ ...createFields, mode: Type.Optional(orNull(Mode)) }),
});

function parseCreateAttachment(
  body: unknown,
  microversion: number,
): Static<typeof CreateAttachment54>['attachment'] {
  if (microversion >= 54) return parseBody(CreateAttachment54, body).attachment;
  return parseBody(CreateAttachment, body).attachment;
}

/** Something has to be said of the host. */
const UpdateAttachment = exactly({
  attachment: exactly({ connector: Type.Object({}, { minProperties: 1 }) }),
});

export const attachmentList: ListFace<'attachments'> = {
  known: [],
  filters: {
    id: (id) => ({ id }),
    volume_id: (volumeId) => ({ volumeId }),
    instance_id: (instanceId) => ({ instanceId }),
    status: (text) => ({ status: text as AttachmentRow['status'] }),
    attach_status: (text) => ({ status: text as AttachmentRow['status'] }),
  },
  sortFields: { id: 'id', status: 'status', created_at: 'createdAt', updated_at: 'updatedAt' },
};

/** Before 3.44 there is no `os-complete`: a connector completes the attachment. */
const completeSince = 44;

/** The view of attachments for the caller: only who may connect is told how. */
function detailFor(
  { catalog, nbd }: OperationNeeds,
  { caller }: FastifyRequest,
): (row: AttachmentRow) => Promise<object> {
  return async (row) => {
    if (row.exportName === null || !isAllowed(caller, 'volume:attachment_update')) {
      return attachmentDetail(row, undefined);
    }
    return attachmentDetail(row, { nbd, qosSpecs: await clientSpecsOf(catalog, row.volumeId) });
  };
}

export function attachmentRoutes(
  app: FastifyInstance,
  { operations, publicUrl }: BlockStorageV3Options,
): void {
  for (const path of ['attachments', 'attachments/detail'] as const) {
    app.get(`/${path}`, lists(attachmentList), async (request) => {
      since(request, 27);
      const list = readList(request, attachmentList);
      const viewer = viewerOf(request, publicUrl);
      const { rows } = await listAttachments(operations, request.caller, list);
      return {
        attachments:
          path === 'attachments'
            ? rows.map(attachmentSummary)
            : await Promise.all(rows.map(detailFor(operations, request))),
        ...nextLink({ viewer, list, rows, path, kind: 'attachments' }),
      };
    });
  }

  app.post('/attachments', takes(CreateAttachment, CreateAttachment54), async (request) => {
    since(request, 27);
    const attachment = parseCreateAttachment(request.body, request.microversion);
    const connector = connectorOf(attachment.connector);
    const row = await createAttachment(operations, request.caller, {
      volumeId: attachment.volume_uuid,
      instanceId: attachment.instance_uuid ?? null,
      connector: Object.keys(connector).length === 0 ? null : connector,
      mode: attachment.mode ?? null,
      completeAtOnce: request.microversion < completeSince,
    });
    return { attachment: await detailFor(operations, request)(row) };
  });

  app.get('/attachments/:id', async (request: ById) => {
    since(request, 27);
    const row = await showAttachment(operations, request.caller, request.params.id);
    return { attachment: await detailFor(operations, request)(row) };
  });

  app.put('/attachments/:id', takes(UpdateAttachment), async (request: ById) => {
    since(request, 27);
    const { connector } = parseBody(UpdateAttachment, request.body).attachment;
    const row = await updateAttachment(operations, request.caller, request.params.id, {
      connector: connectorOf(connector),
      completeAtOnce: request.microversion < completeSince,
    });
    return { attachment: await detailFor(operations, request)(row) };
  });

  app.delete('/attachments/:id', async (request: ById) => {
    since(request, 27);
    const left = await deleteAttachment(operations, request.caller, request.params.id);
    return { attachments: left.map(attachmentSummary) };
  });

  app.post(
    '/attachments/:id/action',
    takes(justNamed('os-complete')),
    async (request: ById, reply) => {
      since(request, completeSince);
      const { name } = actionOf(request.body);
      if (name !== 'os-complete') throw noSuchAction(name);
      await completeAttachment(operations, request.caller, request.params.id);
      return reply.code(204).send();
    },
  );
}

/** `POST /volumes/{id}/action` (api-ref of Cinder, volumes-v3-volumes-actions). */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { OperatingError } from '../../base/errors.ts';
import { attachVolume } from '../../operation/attachment/attach-volume.ts';
import { detachVolume, forceDetachVolume } from '../../operation/attachment/detach-volume.ts';
import {
  initializeConnection,
  terminateConnection,
} from '../../operation/attachment/initialize-connection.ts';
import {
  beginDetachingVolume,
  reserveVolume,
  rollDetachingVolume,
  unreserveVolume,
} from '../../operation/attachment/reserve-volume.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import { volumeStatuses } from '../../operation/states.ts';
import { deleteVolume } from '../../operation/volume/delete-volume.ts';
import { extendVolume } from '../../operation/volume/extend-volume.ts';
import { revertVolume } from '../../operation/volume/revert-volume.ts';
import { resetVolumeStatus } from '../../operation/volume/reset-volume-status.ts';
import { updateReadonlyFlag } from '../../operation/volume/update-readonly-flag.ts';
import { setBootable } from '../../operation/volume/update-volume.ts';
import { parseBody } from '../body.ts';
import { connectionInfo } from './attachment-view.ts';
import { toBool } from './fields.ts';
import type { BlockStorageV3Options } from './options.ts';
import { actionOf, noSuchAction, since, type ById } from './request.ts';
import { parseStatus } from './reset-status.ts';
import {
  Attach,
  connectorOf,
  Detach,
  Extend,
  ForceDetach,
  InitializeConnection,
  Revert,
  SetBootable,
  TerminateConnection,
  UpdateReadonly,
} from './volume-schema.ts';

/** Does the action; what it resolves with is the answer's body. */
type Action = (
  operations: OperationNeeds,
  request: ById,
  body: object,
) => Promise<object | undefined>;

/** Actions that answer 200 rather than 202. */
const answersOk: readonly string[] = ['os-set_bootable', 'os-initialize_connection'];

const actions: Readonly<Record<string, Action>> = {
  'os-extend': async (operations, { caller, params, microversion }, body) => {
    const { new_size: newSize } = parseBody(Extend, body)['os-extend'];
    const options = { newSize: Number(newSize), online: microversion >= 42 };
    await extendVolume(operations, caller, params.id, options);
    return undefined;
  },

  revert: async (operations, request, body) => {
    since(request, 40);
    const { snapshot_id: snapshotId } = parseBody(Revert, body).revert;
    await revertVolume(operations, request.caller, request.params.id, snapshotId);
    return undefined;
  },

  'os-set_bootable': async (operations, { caller, params }, body) => {
    const { bootable } = parseBody(SetBootable, body)['os-set_bootable'];
    await setBootable(operations, caller, params.id, toBool(bootable));
    return undefined;
  },

  'os-update_readonly_flag': async (operations, { caller, params }, body) => {
    const { readonly } = parseBody(UpdateReadonly, body)['os-update_readonly_flag'];
    await updateReadonlyFlag(operations, caller, params.id, toBool(readonly));
    return undefined;
  },

  'os-reset_status': async (operations, { caller, params }, body) => {
    await resetVolumeStatus(operations, caller, params.id, parseStatus(body, volumeStatuses));
    return undefined;
  },

  'os-force_delete': async (operations, { caller, params }) => {
    await deleteVolume(operations, caller, params.id, { cascade: false, force: true });
    return undefined;
  },

  'os-reserve': async (operations, { caller, params }) => {
    await reserveVolume(operations, caller, params.id);
    return undefined;
  },

  'os-unreserve': async (operations, { caller, params }) => {
    await unreserveVolume(operations, caller, params.id);
    return undefined;
  },

  'os-begin_detaching': async (operations, { caller, params }) => {
    await beginDetachingVolume(operations, caller, params.id);
    return undefined;
  },

  'os-roll_detaching': async (operations, { caller, params }) => {
    await rollDetachingVolume(operations, caller, params.id);
    return undefined;
  },

  'os-attach': async (operations, { caller, params }, body) => {
    const given = parseBody(Attach, body)['os-attach'];
    const instanceId = given.instance_uuid ?? given.host_name ?? null;
    if (instanceId === null) {
      throw new OperatingError(
        'invalid_input',
        "Invalid input for field/attribute os-attach. 'instance_uuid' or 'host_name' is a " +
          'required property',
        { field: 'os-attach' },
      );
    }
    await attachVolume(operations, caller, params.id, {
      instanceId,
      mountpoint: given.mountpoint ?? null,
      mode: given.mode ?? null,
    });
    return undefined;
  },

  'os-detach': async (operations, { caller, params }, body) => {
    const given = parseBody(Detach, body)['os-detach'];
    await detachVolume(operations, caller, params.id, given?.attachment_id ?? null);
    return undefined;
  },

  'os-force_detach': async (operations, { caller, params }, body) => {
    const given = parseBody(ForceDetach, body)['os-force_detach'];
    await forceDetachVolume(operations, caller, params.id, given.attachment_id ?? null);
    return undefined;
  },

  'os-initialize_connection': async (operations, { caller, params }, body) => {
    const { connector } = parseBody(InitializeConnection, body)['os-initialize_connection'];
    const given = connectorOf(connector);
    const row = await initializeConnection(operations, caller, params.id, given);
    return { connection_info: connectionInfo(row, operations.nbd) };
  },

  'os-terminate_connection': async (operations, { caller, params }, body) => {
    const { connector } = parseBody(TerminateConnection, body)['os-terminate_connection'];
    await terminateConnection(operations, caller, params.id, connectorOf(connector));
    return undefined;
  },
};

export function volumeActionRoutes(
  app: FastifyInstance,
  { operations }: BlockStorageV3Options,
): void {
  app.post('/volumes/:id/action', async (request: ById, reply): Promise<FastifyReply> => {
    const { name, body } = actionOf(request.body);
    const act = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (act === undefined) throw noSuchAction(name);
    const answer = await act(operations, request, body);
    return reply.code(answersOk.includes(name) ? 200 : 202).send(answer);
  });
}

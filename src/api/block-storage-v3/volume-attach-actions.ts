/** The actions by which a volume is attached and detached, older than the attachments API. */
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
import { clientSpecsOf } from '../../operation/qos/apply-limits.ts';
import { connectionInfo } from './attachment-view.ts';
import { volumeAction, type VolumeActions } from './volume-action.ts';
import {
  Attach,
  connectorOf,
  Detach,
  ForceDetach,
  InitializeConnection,
  justNamed,
  TerminateConnection,
} from './volume-schema.ts';

export const volumeAttachActions: VolumeActions = {
  'os-reserve': volumeAction(justNamed('os-reserve'), async (operations, { caller, params }) => {
    await reserveVolume(operations, caller, params.id);
  }),

  'os-unreserve': volumeAction(
    justNamed('os-unreserve'),
    async (operations, { caller, params }) => {
      await unreserveVolume(operations, caller, params.id);
    },
  ),

  'os-begin_detaching': volumeAction(
    justNamed('os-begin_detaching'),
    async (operations, { caller, params }) => {
      await beginDetachingVolume(operations, caller, params.id);
    },
  ),

  'os-roll_detaching': volumeAction(
    justNamed('os-roll_detaching'),
    async (operations, { caller, params }) => {
      await rollDetachingVolume(operations, caller, params.id);
    },
  ),

  'os-attach': volumeAction(Attach, async (operations, { caller, params }, body) => {
    const given = body['os-attach'];
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
  }),

  'os-detach': volumeAction(Detach, async (operations, { caller, params }, body) => {
    const attachmentId = body['os-detach']?.attachment_id ?? null;
    await detachVolume(operations, caller, params.id, attachmentId);
  }),

  'os-force_detach': volumeAction(ForceDetach, async (operations, { caller, params }, body) => {
    const attachmentId = body['os-force_detach'].attachment_id ?? null;
    await forceDetachVolume(operations, caller, params.id, attachmentId);
  }),

  'os-initialize_connection': volumeAction(
    InitializeConnection,
    async (operations, { caller, params }, body) => {
      const given = connectorOf(body['os-initialize_connection'].connector);
      const row = await initializeConnection(operations, caller, params.id, given);
      const qosSpecs = await clientSpecsOf(operations.catalog, row.volumeId);
      return { connection_info: connectionInfo(row, { nbd: operations.nbd, qosSpecs }) };
    },
    200,
  ),

  'os-terminate_connection': volumeAction(
    TerminateConnection,
    async (operations, { caller, params }, body) => {
      const given = connectorOf(body['os-terminate_connection'].connector);
      await terminateConnection(operations, caller, params.id, given);
    },
  ),
};

/** `POST /volumes/{id}/action` (api-ref of Cinder, volumes-v3-volumes-actions). */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { authorize } from '../../identity/policy.ts';
import { poolName } from '../../operation/installation/binaries.ts';
import { deleteVolume } from '../../operation/volume/delete-volume.ts';
import { extendVolume } from '../../operation/volume/extend-volume.ts';
import { invalidInput, invalidVolume } from '../../operation/volume/find-volume.ts';
import { showVolume } from '../../operation/volume/list-volumes.ts';
import { resetVolumeStatus } from '../../operation/volume/reset-volume-status.ts';
import { unmanageVolume } from '../../operation/volume/manage-volume.ts';
import { migrateVolume, retypeVolume } from '../../operation/volume/retype-volume.ts';
import { revertVolume } from '../../operation/volume/revert-volume.ts';
import { updateReadonlyFlag } from '../../operation/volume/update-readonly-flag.ts';
import { setBootable } from '../../operation/volume/update-volume.ts';
import { parseBody } from '../body.ts';
import { toBool } from './fields.ts';
import type { BlockStorageV3Options } from './options.ts';
import { actionOf, noSuchAction, type ById } from './request.ts';
import { parseVolumeReset } from './reset-status.ts';
import { takes } from '../takes.ts';
import { laterAction, volumeAction, type VolumeActions } from './volume-action.ts';
import { volumeAttachActions } from './volume-attach-actions.ts';
import { volumeImageActions } from './volume-image-actions.ts';
import {
  Extend,
  ExtendCompletion,
  justNamed,
  Migrate,
  Migrate0,
  MigrateCompletion,
  ResetVolumeStatus,
  Retype,
  Revert,
  SetBootable,
  UpdateReadonly,
} from './volume-schema.ts';

/** Cinder's rule since there are clusters. */
function demandOnePlace(host: string | null, cluster: string | null): void {
  if ((host === null) !== (cluster === null)) return;
  throw invalidInput('One and only one of cluster and host must be set.', 'host');
}

const actions: VolumeActions = {
  ...volumeAttachActions,
  ...volumeImageActions,

  'os-extend': volumeAction(Extend, async (operations, request, body) => {
    const { caller, params, microversion } = request;
    const options = { newSize: Number(body['os-extend'].new_size), online: microversion >= 42 };
    await extendVolume(operations, caller, params.id, options);
  }),

  'os-extend_volume_completion': laterAction(
    71,
    volumeAction(ExtendCompletion, async (operations, request): Promise<void> => {
      authorize(request.caller, 'volume:extend_volume_completion');
      const { status } = await showVolume(operations, request.caller, request.params.id);
      throw invalidVolume(
        `Volume status must be extending, and wait for a completion; it is ${status}. Clients ` +
          'learn the new size over NBD.',
      );
    }),
  ),

  revert: laterAction(
    40,
    volumeAction(Revert, async (operations, { caller, params }, body) => {
      await revertVolume(operations, caller, params.id, body.revert.snapshot_id);
    }),
  ),

  'os-retype': volumeAction(Retype, async (operations, { caller, params }, body) => {
    await retypeVolume(operations, caller, params.id, body['os-retype'].new_type);
  }),

  'os-unmanage': volumeAction(justNamed('os-unmanage'), async (operations, { caller, params }) => {
    await unmanageVolume(operations, caller, params.id);
  }),

  'os-migrate_volume': volumeAction(Migrate, async (operations, request, body) => {
    const { caller, params, microversion } = request;
    if (microversion < 16) parseBody(Migrate0, body);
    const { host = null, cluster = null } = body['os-migrate_volume'];
    demandOnePlace(host, cluster);
    await migrateVolume(operations, caller, params.id, host ?? cluster ?? '', poolName);
  }),

  'os-migrate_volume_completion': volumeAction(
    MigrateCompletion,
    async (operations, { caller, params }): Promise<void> => {
      authorize(caller, 'volume_extension:volume_admin_actions:migrate_volume_completion');
      await showVolume(operations, caller, params.id);
      throw invalidVolume('Source volume not mid-migration.');
    },
  ),

  'os-set_bootable': volumeAction(
    SetBootable,
    async (operations, { caller, params }, body) => {
      await setBootable(operations, caller, params.id, toBool(body['os-set_bootable'].bootable));
    },
    200,
  ),

  'os-update_readonly_flag': volumeAction(
    UpdateReadonly,
    async (operations, { caller, params }, body) => {
      const readOnly = toBool(body['os-update_readonly_flag'].readonly);
      await updateReadonlyFlag(operations, caller, params.id, readOnly);
    },
  ),

  'os-reset_status': volumeAction(
    ResetVolumeStatus,
    async (operations, { caller, params }, body) => {
      await resetVolumeStatus(operations, caller, params.id, parseVolumeReset(body));
    },
  ),

  'os-force_delete': volumeAction(
    justNamed('os-force_delete'),
    async (operations, { caller, params }) => {
      await deleteVolume(operations, caller, params.id, { cascade: false, force: true });
    },
  ),
};

const schemas = Object.values(actions).map(({ schema }) => schema);

export function volumeActionRoutes(
  app: FastifyInstance,
  { operations }: BlockStorageV3Options,
): void {
  app.post(
    '/volumes/:id/action',
    takes(...schemas),
    async (request: ById, reply): Promise<FastifyReply> => {
      const { name } = actionOf(request.body);
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (action === undefined) throw noSuchAction(name);
      const answer = await action.perform(operations, request);
      return reply.code(action.status).send(answer);
    },
  );
}

/**
 * Who may do what: each action with the least role that may do it on objects of the own project.
 * The names of actions and their defaults are Cinder's (cinder/policies), with Glance's after
 * `image:`; `firn:` marks what it has no word for. An admin may do everything, in every project.
 */
import { OperatingError } from '../base/errors.ts';
import type { Caller } from './caller.ts';

type Role = 'reader' | 'member' | 'admin';

export const policy = {
  'volume:create': 'member',
  'volume:create_from_image': 'member',
  'volume:get': 'reader',
  'volume:get_all': 'reader',
  'volume:update': 'member',
  'volume:delete': 'member',
  'volume:force_delete': 'admin',
  'volume:multiattach': 'member',
  'volume:extend': 'member',
  'volume:extend_attached_volume': 'member',
  'volume:revert_to_snapshot': 'member',
  'volume:retype': 'member',
  'volume:update_readonly_flag': 'member',
  'volume_extension:volume_host_attribute': 'admin',
  'volume_extension:volume_tenant_attribute': 'reader',
  'volume_extension:volume_mig_status_attribute': 'admin',
  'volume_extension:volume_actions:attach': 'member',
  'volume_extension:volume_actions:detach': 'member',
  'volume_extension:volume_actions:reserve': 'member',
  'volume_extension:volume_actions:unreserve': 'member',
  'volume_extension:volume_actions:begin_detaching': 'member',
  'volume_extension:volume_actions:roll_detaching': 'member',
  'volume_extension:volume_actions:initialize_connection': 'member',
  'volume_extension:volume_actions:terminate_connection': 'member',
  'volume_extension:volume_actions:set_bootable': 'member',
  'volume_extension:volume_actions:upload_image': 'member',
  'volume_extension:volume_admin_actions:reset_status': 'admin',
  'volume_extension:volume_admin_actions:force_delete': 'admin',
  'volume_extension:volume_admin_actions:force_detach': 'admin',
  'volume_extension:volume_admin_actions:migrate_volume': 'admin',
  'volume_extension:volume_admin_actions:migrate_volume_completion': 'admin',
  'volume:extend_volume_completion': 'admin',
  'volume:reimage': 'member',
  'volume:reimage_reserved': 'member',
  'volume_extension:volume_manage': 'admin',
  'volume_extension:volume_unmanage': 'admin',
  'volume_extension:list_manageable': 'admin',
  'snapshot_extension:snapshot_manage': 'admin',
  'snapshot_extension:snapshot_unmanage': 'admin',
  'snapshot_extension:list_manageable': 'admin',
  'volume:get_volume_metadata': 'reader',
  'volume:create_volume_metadata': 'member',
  'volume:update_volume_metadata': 'member',
  'volume:delete_volume_metadata': 'member',
  'volume_extension:volume_image_metadata:show': 'reader',
  'volume_extension:volume_image_metadata:set': 'member',
  'volume_extension:volume_image_metadata:remove': 'member',

  'volume:get_all_snapshots': 'reader',
  'volume:create_snapshot': 'member',
  'volume:get_snapshot': 'reader',
  'volume:update_snapshot': 'member',
  'volume:delete_snapshot': 'member',
  'volume:get_snapshot_metadata': 'reader',
  'volume:update_snapshot_metadata': 'member',
  'volume:delete_snapshot_metadata': 'member',
  'volume_extension:extended_snapshot_attributes': 'reader',
  'snapshot_extension:snapshot_actions:update_snapshot_status': 'member',
  'volume_extension:snapshot_admin_actions:reset_status': 'admin',
  'volume_extension:snapshot_admin_actions:force_delete': 'admin',

  'backup:get_all': 'reader',
  'backup:get': 'reader',
  'backup:create': 'member',
  'backup:update': 'member',
  'backup:delete': 'member',
  'backup:restore': 'member',
  'backup:backup-import': 'admin',
  'backup:export-import': 'admin',
  'backup:backup_project_attribute': 'admin',
  'volume_extension:backup_admin_actions:reset_status': 'admin',
  'volume_extension:backup_admin_actions:force_delete': 'admin',

  'volume:attachment_create': 'member',
  'volume:attachment_update': 'member',
  'volume:attachment_delete': 'member',
  'volume:attachment_complete': 'member',
  'volume:multiattach_bootable_volume': 'member',

  'volume_extension:type_get': 'reader',
  'volume_extension:type_get_all': 'reader',
  'volume_extension:type_create': 'admin',
  'volume_extension:type_update': 'admin',
  'volume_extension:type_delete': 'admin',
  'volume_extension:access_types_extra_specs': 'reader',
  'volume_extension:access_types_qos_specs_id': 'admin',
  'volume_extension:types_extra_specs:index': 'reader',
  'volume_extension:types_extra_specs:show': 'reader',
  'volume_extension:types_extra_specs:read_sensitive': 'admin',
  'volume_extension:types_extra_specs:create': 'admin',
  'volume_extension:types_extra_specs:update': 'admin',
  'volume_extension:types_extra_specs:delete': 'admin',
  'volume_extension:volume_type_access:get_all_for_type': 'admin',
  'volume_extension:volume_type_access:addProjectAccess': 'admin',
  'volume_extension:volume_type_access:removeProjectAccess': 'admin',
  'volume_extension:volume_type_encryption:create': 'admin',
  'volume_extension:volume_type_encryption:get': 'admin',
  'volume_extension:volume_type_encryption:update': 'admin',
  'volume_extension:volume_type_encryption:delete': 'admin',
  'volume_extension:default_set_or_update': 'admin',
  'volume_extension:default_get': 'admin',
  'volume_extension:default_get_all': 'admin',
  'volume_extension:default_unset': 'admin',

  'volume_extension:qos_specs_manage:get_all': 'admin',
  'volume_extension:qos_specs_manage:get': 'admin',
  'volume_extension:qos_specs_manage:create': 'admin',
  'volume_extension:qos_specs_manage:update': 'admin',
  'volume_extension:qos_specs_manage:delete': 'admin',

  'volume:create_transfer': 'member',
  'volume:accept_transfer': 'member',
  'volume:delete_transfer': 'member',
  'volume:get_transfer': 'reader',
  'volume:get_all_transfers': 'reader',

  'group:get_all': 'reader',
  'group:get': 'reader',
  'group:create': 'member',
  'group:update': 'member',
  'group:delete': 'member',
  'group:reset_status': 'admin',
  'group:enable_replication': 'member',
  'group:disable_replication': 'member',
  'group:failover_replication': 'member',
  'group:list_replication_targets': 'member',
  'group:group_project_attribute': 'admin',
  'group:get_all_group_snapshots': 'reader',
  'group:get_group_snapshot': 'reader',
  'group:create_group_snapshot': 'member',
  'group:update_group_snapshot': 'member',
  'group:delete_group_snapshot': 'member',
  'group:reset_group_snapshot_status': 'admin',
  'group:group_snapshot_project_attribute': 'admin',
  'group:group_types:create': 'admin',
  'group:group_types:update': 'admin',
  'group:group_types:delete': 'admin',
  'group:access_group_types_specs': 'admin',
  'group:group_types_specs:get': 'admin',
  'group:group_types_specs:get_all': 'admin',
  'group:group_types_specs:create': 'admin',
  'group:group_types_specs:update': 'admin',
  'group:group_types_specs:delete': 'admin',

  'volume_extension:quotas:show': 'reader',
  'volume_extension:quotas:update': 'admin',
  'volume_extension:quotas:delete': 'admin',
  'volume_extension:quota_classes:get': 'admin',
  'volume_extension:quota_classes:update': 'admin',
  'limits_extension:used_limits': 'reader',

  'message:get_all': 'reader',
  'message:get': 'reader',
  'message:delete': 'member',

  'volume_extension:services:index': 'admin',
  'volume_extension:services:update': 'admin',
  'scheduler_extension:scheduler_stats:get_pools': 'admin',
  'volume_extension:capabilities': 'admin',
  'volume_extension:hosts': 'admin',

  'image:get_image': 'reader',
  'image:get_images': 'reader',
  'image:add_image': 'member',
  'image:modify_image': 'member',
  'image:delete_image': 'member',
  'image:publicize_image': 'admin',
  'image:upload_image': 'member',
  'image:download_image': 'reader',
  'image:deactivate': 'admin',
  'image:reactivate': 'admin',

  'firn:get_job': 'reader',
  'firn:list_audit': 'reader',
  'firn:export_snapshot': 'member',
  'firn:verify_backup': 'member',
  'firn:drill_backup': 'member',
  'firn:get_group_type': 'reader',
  'firn:adopt_repository': 'admin',
} as const satisfies Readonly<Record<string, Role>>;

export type Action = keyof typeof policy;

/** Each role may do what the ones before it may. */
const ranks: readonly string[] = ['reader', 'member', 'admin'] satisfies Role[];

/** Whether one of the caller's roles may do it. */
export function isAllowed(caller: Caller, action: Action): boolean {
  const needed = ranks.indexOf(policy[action]);
  return caller.roles.some((role) => ranks.indexOf(role) >= needed);
}

/** Rejects with `forbidden`, in Cinder's words, unless one of the caller's roles may do it. */
export function authorize(caller: Caller, action: Action): void {
  if (isAllowed(caller, action)) return;
  throw new OperatingError('forbidden', `Policy doesn't allow ${action} to be performed.`);
}

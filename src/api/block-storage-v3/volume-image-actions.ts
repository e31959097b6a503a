/** The actions about what is known of the image on a volume. */
import {
  setImageMetadata,
  showImageMetadata,
  unsetImageMetadata,
} from '../../operation/volume/image-metadata.ts';
import { reimageVolume } from '../../operation/volume/reimage-volume.ts';
import { findVolumeType } from '../../operation/type/find-volume-type.ts';
import { uploadVolume } from '../../operation/volume/upload-volume.ts';
import type { ImageRow, VolumeRow, VolumeTypeRow } from '../../catalog/tables.ts';
import { parseBody } from '../body.ts';
import { toBool } from './fields.ts';
import { timeView } from './view.ts';
import { laterAction, volumeAction, type VolumeActions } from './volume-action.ts';
import {
  justNamed,
  Reimage,
  SetImageMetadata,
  UnsetImageMetadata,
  UploadImage,
  UploadImage0,
} from './volume-schema.ts';

export const volumeImageActions: VolumeActions = {
  'os-volume_upload_image': volumeAction(UploadImage, async (operations, request, body) => {
    const { caller, params, microversion } = request;
    if (microversion < 1) parseBody(UploadImage0, body);
    const given = body['os-volume_upload_image'];
    const { volume, image } = await uploadVolume(operations, caller, params.id, {
      name: given.image_name,
      diskFormat: given.disk_format ?? 'raw',
      containerFormat: given.container_format ?? 'bare',
      visibility: given.visibility ?? 'private',
      isProtected: toBool(given.protected),
      force: toBool(given.force),
    });
    const type = await findVolumeType(operations.catalog, volume.volumeTypeId);
    return { 'os-volume_upload_image': uploadView({ volume, type, image }, microversion) };
  }),

  'os-reimage': laterAction(
    68,
    volumeAction(Reimage, async (operations, request, body) => {
      const { image_id: imageId, reimage_reserved: reserved } = body['os-reimage'];
      const options = { imageId, reserved: toBool(reserved) };
      await reimageVolume(operations, request.caller, request.params.id, options);
    }),
  ),

  'os-set_image_metadata': volumeAction(
    SetImageMetadata,
    async (operations, { caller, params }, body) => {
      const { metadata } = body['os-set_image_metadata'];
      return { metadata: await setImageMetadata(operations, caller, params.id, metadata) };
    },
    200,
  ),

  'os-unset_image_metadata': volumeAction(
    UnsetImageMetadata,
    async (operations, { caller, params }, body) => {
      const { key } = body['os-unset_image_metadata'];
      await unsetImageMetadata(operations, caller, params.id, key);
    },
    200,
  ),

  'os-show_image_metadata': volumeAction(
    justNamed('os-show_image_metadata'),
    async (operations, { caller, params }) => ({
      metadata: await showImageMetadata(operations, caller, params.id),
    }),
    200,
  ),
};

/** The type is told whole here, as nowhere else. */
function uploadView(
  { volume, type, image }: { volume: VolumeRow; type: VolumeTypeRow; image: ImageRow },
  microversion: number,
): object {
  return {
    id: volume.id,
    updated_at: timeView(volume.updatedAt),
    status: volume.status,
    display_description: volume.description,
    size: volume.size,
    volume_type: {
      id: type.id,
      name: type.name,
      description: type.description,
      is_public: type.isPublic,
      created_at: timeView(type.createdAt),
      updated_at: timeView(type.updatedAt),
      deleted: false,
    },
    image_id: image.id,
    image_name: image.name,
    container_format: image.properties['container_format'],
    disk_format: image.properties['disk_format'],
    ...(microversion >= 1
      ? { visibility: image.visibility, protected: image.properties['protected'] }
      : {}),
  };
}

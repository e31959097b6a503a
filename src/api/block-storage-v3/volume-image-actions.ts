/** The actions about what is known of the image on a volume. */
import {
  setImageMetadata,
  showImageMetadata,
  unsetImageMetadata,
} from '../../operation/volume/image-metadata.ts';
import { volumeAction, type VolumeActions } from './volume-action.ts';
import { justNamed, SetImageMetadata, UnsetImageMetadata } from './volume-schema.ts';

export const volumeImageActions: VolumeActions = {
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

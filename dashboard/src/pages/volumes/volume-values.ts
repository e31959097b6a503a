import type { Limits } from '../../api/installation.ts';
import type { NewVolume } from '../../api/volumes.ts';
import { nameProblem, type Problems, wholeProblem } from '../../components/form.ts';
import { isAtVolumeQuota, roomProblem } from './volume-room.ts';
import { type FixedSource, type Source, sourceOf } from './volume-sources.ts';

/** What the form of a new volume holds, as it is typed. */
const emptyVolume = {
  name: '',
  description: '',
  sourceKind: '',
  sourceId: '',
  type: '',
  size: '1',
  zone: '',
  group: '',
};

export type VolumeValues = typeof emptyVolume;

/** What the form begins with; a volume from a source has at least its size. */
export function valuesFrom(source: FixedSource | undefined): VolumeValues {
  if (source === undefined) return emptyVolume;
  return {
    ...emptyVolume,
    name: source.name ?? '',
    sourceKind: source.kind,
    sourceId: source.id,
    size: String(Math.max(1, source.size)),
  };
}

export function volumeProblems(
  values: VolumeValues,
  sources: readonly Source[],
  limits: Limits | undefined,
): Problems<VolumeValues> {
  const { name, description, sourceKind, sourceId, size } = values;
  const chosen = sourceOf(sources, sourceKind, sourceId);
  const tooSmall =
    chosen !== undefined && Number(size) < chosen.size
      ? `The volume size cannot be less than the ${chosen.kind} size (${chosen.size}GiB)`
      : undefined;
  const full = isAtVolumeQuota(limits)
    ? 'You are already using all of your available volumes.'
    : undefined;
  return {
    name: nameProblem(name, { required: false }),
    description: nameProblem(description, { required: false }),
    sourceId: sourceKind !== '' && sourceId === '' ? 'Choose a source.' : undefined,
    size: wholeProblem(size) ?? tooSmall ?? full ?? roomProblem(limits, Number(size), size),
  };
}

const sourceFields = {
  snapshot: 'snapshot_id',
  volume: 'source_volid',
  image: 'imageRef',
  backup: 'backup_id',
} as const;

/** The request that the form's values make. */
export function newVolumeOf(values: VolumeValues): NewVolume {
  const { name, description, sourceKind, sourceId, type, size, zone, group } = values;
  const field = Object.entries(sourceFields).find(([kind]) => kind === sourceKind)?.[1];
  return {
    name,
    description,
    size: Number(size),
    ...(field === undefined ? {} : { [field]: sourceId }),
    ...(type === '' ? {} : { volume_type: type }),
    ...(zone === '' ? {} : { availability_zone: zone }),
    ...(group === '' ? {} : { group_id: group }),
  };
}

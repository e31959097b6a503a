/** What a new volume can be made from. */
import { useQuery } from '@tanstack/react-query';
import { imagesQuery } from '../../api/installation.ts';
import { snapshotChoicesQuery } from '../../api/snapshots.ts';
import { volumeChoicesQuery } from '../../api/volumes.ts';

export type SourceKind = 'snapshot' | 'volume' | 'image' | 'backup';

export interface Source {
  readonly kind: SourceKind;
  readonly id: string;
  readonly name: string | null;
  /** The least size of the volume, GiB. */
  readonly size: number;
}

/** A source that the form was opened for. */
export type FixedSource = Source;

const available = { status: 'available' };

/** The sources to choose from; with a fixed one only that. */
export function useSources(fixed: FixedSource | undefined): readonly Source[] {
  const enabled = fixed === undefined;
  const { data: snapshots = [] } = useQuery({ ...snapshotChoicesQuery(available), enabled });
  const { data: volumes = [] } = useQuery({ ...volumeChoicesQuery(available), enabled });
  const { data: images = [] } = useQuery({ ...imagesQuery, enabled });
  if (fixed !== undefined) return [fixed];
  return [
    ...snapshots.map(({ id, name, size }) => ({ kind: 'snapshot' as const, id, name, size })),
    ...images
      .filter((image) => image.status === 'active' && (image.size ?? 0) > 0)
      .map(({ id, name, min_disk: size = 1 }) => ({ kind: 'image' as const, id, name, size })),
    ...volumes.map(({ id, name, size }) => ({ kind: 'volume' as const, id, name, size })),
  ];
}

export function sourceOf(sources: readonly Source[], kind: string, id: string): Source | undefined {
  return sources.find((source) => source.kind === kind && source.id === id);
}

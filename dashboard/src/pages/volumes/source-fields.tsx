import { NativeSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { defaultTypeQuery, volumeTypesQuery } from '../../api/installation.ts';
import type { Form } from '../../components/form.ts';
import type { VolumeValues } from './volume-values.ts';
import { type FixedSource, type Source, type SourceKind, sourceOf } from './volume-sources.ts';

interface SourceFieldsProps {
  readonly form: Form<VolumeValues>;
  readonly sources: readonly Source[];
  readonly fixed: FixedSource | undefined;
}

const kindLabels: Readonly<Record<SourceKind, string>> = {
  snapshot: 'Snapshot',
  image: 'Image',
  volume: 'Volume',
  backup: 'Backup',
};

const labelOfUse: Readonly<Record<SourceKind, string>> = {
  snapshot: 'Use snapshot as a source',
  image: 'Use image as a source',
  volume: 'Use a volume as source',
  backup: 'Use a backup as source',
};

/** Where a new volume's data comes from, and its type, which a copy has of its source. */
export function SourceFields(props: SourceFieldsProps): ReactNode {
  const { form, sources, fixed } = props;
  const { sourceKind, sourceId } = form.values;
  const kinds = [...new Set(sources.map((source) => source.kind))];
  const kind = kinds.find((each) => each === sourceKind);
  const { set } = form;
  const choose = (chosenKind: string, id: string): void => {
    const source = sourceOf(sources, chosenKind, id);
    const grown = source === undefined ? {} : { size: String(Math.max(1, source.size)) };
    set({ sourceKind: chosenKind, sourceId: id, ...grown });
  };
  return (
    <>
      {fixed === undefined && kinds.length > 0 && (
        <NativeSelect
          label="Volume Source"
          name="sourceKind"
          value={sourceKind}
          onChange={(event) => choose(event.currentTarget.value, '')}
          data={[
            { value: '', label: 'No source, empty volume' },
            ...kinds.map((each) => ({ value: each, label: kindLabels[each] })),
          ]}
        />
      )}
      {kind !== undefined && (
        <NativeSelect
          label={labelOfUse[kind]}
          {...form.choice('sourceId')}
          value={sourceId}
          onChange={(event) => choose(kind, event.currentTarget.value)}
          data={[
            ...(fixed === undefined ? [{ value: '', label: `Choose a ${kind}` }] : []),
            ...sources
              .filter((source) => source.kind === kind)
              .map(({ id, name, size }) => ({ value: id, label: `${name ?? id} (${size} GiB)` })),
          ]}
        />
      )}
      {(kind === undefined || kind === 'image') && <TypeField form={props.form} />}
    </>
  );
}

function TypeField({ form }: Pick<SourceFieldsProps, 'form'>): ReactNode {
  const { data: types = [] } = useQuery(volumeTypesQuery);
  const { data: standard } = useQuery(defaultTypeQuery);
  const { set } = form;
  const { type } = form.values;
  useEffect(() => {
    if (type === '' && standard !== undefined) set({ type: standard.name });
  }, [type, standard, set]);
  return (
    <NativeSelect label="Type" data={types.map(({ name }) => name)} {...form.choice('type')} />
  );
}

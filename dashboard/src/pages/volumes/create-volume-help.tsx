import { Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { limitsQuery, volumeTypesQuery } from '../../api/installation.ts';
import { LimitBars } from '../../components/limit-bars.tsx';

/** Beside the form: what a volume is, what its type is, and how much room there is. */
export function CreateVolumeHelp(props: {
  readonly type: string;
  /** GiB; not a number while something else is typed. */
  readonly size: number;
}): ReactNode {
  const { type, size } = props;
  const { data: limits } = useQuery(limitsQuery);
  const { data: types = [] } = useQuery(volumeTypesQuery);
  const description = types.find(({ name }) => name === type)?.description ?? '';
  return (
    <>
      <Title order={3} size="h5">
        Description
      </Title>
      <p>Volumes are block devices that can be attached to instances.</p>
      {type !== '' && (
        <>
          <Title order={3} size="h5">
            Volume Type Description: {type}
          </Title>
          <p>{description === '' ? 'No description available.' : description}</p>
        </>
      )}
      {limits !== undefined && (
        <LimitBars
          title="Volume Limits"
          bars={[
            {
              label: 'Total Gibibytes',
              used: limits.totalGigabytesUsed,
              added: Number.isFinite(size) ? size : 0,
              max: limits.maxTotalVolumeGigabytes,
              unit: ' GiB',
            },
            {
              label: 'Number of Volumes',
              used: limits.totalVolumesUsed,
              added: 1,
              max: limits.maxTotalVolumes,
            },
          ]}
        />
      )}
    </>
  );
}

import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Image, imagesQuery } from '../../api/installation.ts';
import { pageOf } from '../../api/page.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { NameLink } from '../../components/facts.tsx';
import { useListState } from '../../components/list-state.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { paged } from '../../components/paged.ts';
import { bytesText, nameOf } from '../../components/quantities.ts';
import { type Column, ResourceTable } from '../../components/resource-table.tsx';
import type { RowAction } from '../../components/row-actions.tsx';
import { RowStatus } from '../../components/status.tsx';
import { CreateVolumeDialog } from '../volumes/create-volume-dialog.tsx';
import { ImageWords } from './image-words.tsx';

const columns: readonly Column<Image>[] = [
  {
    label: 'Name',
    sortKey: 'name',
    render: (image) => <NameLink folder="/project/images" row={image} />,
  },
  { label: 'Status', render: ({ status }) => <RowStatus status={status} /> },
  { label: 'Visibility', render: ({ visibility }) => visibility },
  { label: 'Disk Format', render: (image) => image.disk_format ?? '-' },
  { label: 'Size', render: ({ size }) => sizeText(size) },
];

export const sizeText = (size: number | null | undefined): string =>
  size === null || size === undefined ? 'no data' : bytesText(size);

export const hasData = ({ status, size }: Image): boolean => status === 'active' && (size ?? 0) > 0;

export function useImageActions(): readonly RowAction<Image>[] {
  const dialogs = useDialogs();
  return [
    {
      label: 'Create Volume',
      isOffered: hasData,
      run: ({ id, name, min_disk: size = 1 }) => {
        const source = { kind: 'image', id, name, size: Math.max(1, size) } as const;
        dialogs.open(<CreateVolumeDialog source={source} />);
      },
    },
  ];
}

export function Page(): ReactNode {
  const state = useListState();
  const query = useQuery(imagesQuery);
  const actions = useImageActions();
  return (
    <>
      <PageHeading title="Images" path={[{ label: 'Project' }]} />
      <ImageWords />
      <ResourceTable
        caption="Images"
        query={paged(query, (rows) => pageOf(rows, state.list, (image) => nameOf(image)))}
        state={state}
        columns={columns}
        nameOf={nameOf}
        actions={actions}
        empty={{
          hint: 'Upload one with “openstack image create --file”, or with “Upload to Image”.',
        }}
      />
    </>
  );
}

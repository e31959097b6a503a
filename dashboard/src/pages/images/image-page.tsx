import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { imageQuery } from '../../api/installation.ts';
import { Facts } from '../../components/facts.tsx';
import { PageHeading } from '../../components/page-heading.tsx';
import { usePathId } from '../../components/path-id.ts';
import { nameOf, timeText } from '../../components/quantities.ts';
import { LoadProblem } from '../../components/resource-table.tsx';
import { RowActions } from '../../components/row-actions.tsx';
import { Status } from '../../components/status.tsx';
import { ImageWords } from './image-words.tsx';
import { sizeText, useImageActions } from './images-page.tsx';

export function Page(): ReactNode {
  const { data: image, error } = useQuery(imageQuery(usePathId()));
  const actions = useImageActions();
  if (error !== null) return <LoadProblem error={error} />;
  if (image === undefined) return null;
  return (
    <>
      <PageHeading
        title={nameOf(image)}
        path={[{ label: 'Project' }, { label: 'Images', href: '/project/images' }]}
        aside={<RowActions row={image} name={nameOf(image)} actions={actions} />}
      />
      <ImageWords />
      <div className="panel">
        <Facts
          facts={{
            Name: image.name,
            ID: image.id,
            Status: <Status status={image.status} />,
            Visibility: image.visibility,
            'Disk Format': image.disk_format,
            Size: sizeText(image.size),
            'Min. Disk (GiB)': image.min_disk,
            Created: timeText(image.created_at),
          }}
        />
      </div>
    </>
  );
}

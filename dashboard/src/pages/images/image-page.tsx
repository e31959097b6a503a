import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { imageQuery } from '../../api/installation.ts';
import { Facts } from '../../components/facts.tsx';
import { usePathId } from '../../components/path-id.ts';
import { timeText } from '../../components/quantities.ts';
import { Status } from '../../components/status.tsx';
import { ImageWords } from './image-words.tsx';
import { sizeText, useImageActions } from './images-page.tsx';
import { DetailPage } from '../../components/detail-page.tsx';

const path = [{ label: 'Project' }, { label: 'Images', href: '/project/images' }];

export function Page(): ReactNode {
  const query = useQuery(imageQuery(usePathId()));
  const actions = useImageActions();
  return (
    <DetailPage query={query} path={path} actions={actions}>
      {(image) => (
        <>
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
      )}
    </DetailPage>
  );
}

import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Volume, volumeQuery } from '../../api/volumes.ts';
import { DetailPage, PageTabs } from '../../components/detail-page.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { usePathId } from '../../components/path-id.ts';
import { HeldNote } from '../holds/hold-actions.tsx';
import { MessageList } from '../messages/message-list.tsx';
import { VolumeSnapshots } from '../snapshots/volume-snapshots.tsx';
import { ConnectPanel } from './connect-panel.tsx';
import { useVolumeActions } from './volume-actions.tsx';
import { VolumeOverview } from './volume-overview.tsx';

const path = [
  { label: 'Project' },
  { label: 'Volumes' },
  { label: 'Volumes', href: '/project/volumes' },
];

export function Page(): ReactNode {
  const goTo = useNavigateTo();
  const query = useQuery(volumeQuery(usePathId()));
  const actions = useVolumeActions({ afterDelete: () => goTo('/project/volumes') });
  return (
    <DetailPage query={query} path={path} actions={actions}>
      {(volume) => <VolumeParts volume={volume} />}
    </DetailPage>
  );
}

function VolumeParts({ volume }: { volume: Volume }): ReactNode {
  const { id } = volume;
  const where = { resource_type: 'VOLUME', resource_uuid: id };
  return (
    <>
      <HeldNote kind="volume" id={id} />
      <PageTabs
        tabs={[
          ['overview', 'Overview', <VolumeOverview key="overview" volume={volume} />],
          ['snapshots', 'Snapshots', <VolumeSnapshots key="snapshots" volumeId={id} />],
          ['connect', 'Connect', <ConnectPanel key="connect" volume={volume} />],
          ['messages', 'Messages', <MessageList key="messages" where={where} />],
        ]}
      />
    </>
  );
}

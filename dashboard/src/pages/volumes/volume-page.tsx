import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Volume, volumeQuery } from '../../api/volumes.ts';
import { useNavigateTo } from '../../components/navigate.ts';
import { usePathId } from '../../components/path-id.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { nameOf } from '../../components/quantities.ts';
import { LoadProblem } from '../../components/resource-table.tsx';
import { RowActions } from '../../components/row-actions.tsx';
import { useTab } from '../../components/tab-state.ts';
import { HeldNote } from '../holds/hold-actions.tsx';
import { MessageList } from '../messages/message-list.tsx';
import { VolumeSnapshots } from '../snapshots/volume-snapshots.tsx';
import { ConnectPanel } from './connect-panel.tsx';
import { VolumeOverview } from './volume-overview.tsx';
import { useVolumeActions } from './volume-actions.tsx';

export function Page(): ReactNode {
  const id = usePathId();
  const goTo = useNavigateTo();
  const { data: volume, error } = useQuery(volumeQuery(id));
  const actions = useVolumeActions({ afterDelete: () => goTo('/project/volumes') });
  if (error !== null) {
    return (
      <>
        <LoadProblem error={error} />
        <a href="/project/volumes">To the volumes</a>
      </>
    );
  }
  if (volume === undefined) return null;
  return (
    <>
      <PageHeading
        title={nameOf(volume)}
        path={[
          { label: 'Project' },
          { label: 'Volumes' },
          { label: 'Volumes', href: '/project/volumes' },
        ]}
        aside={<RowActions row={volume} name={nameOf(volume)} actions={actions} />}
      />
      <HeldNote kind="volume" id={volume.id} />
      <VolumeTabs volume={volume} />
    </>
  );
}

function VolumeTabs({ volume }: { volume: Volume }): ReactNode {
  const [tab, setTab] = useTab('overview');
  return (
    <Tabs value={tab} onChange={setTab} keepMounted={false}>
      <Tabs.List>
        <Tabs.Tab value="overview">Overview</Tabs.Tab>
        <Tabs.Tab value="snapshots">Snapshots</Tabs.Tab>
        <Tabs.Tab value="connect">Connect</Tabs.Tab>
        <Tabs.Tab value="messages">Messages</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="overview" pt="md">
        <VolumeOverview volume={volume} />
      </Tabs.Panel>
      <Tabs.Panel value="snapshots" pt="md">
        <VolumeSnapshots volumeId={volume.id} />
      </Tabs.Panel>
      <Tabs.Panel value="connect" pt="md">
        <ConnectPanel volume={volume} />
      </Tabs.Panel>
      <Tabs.Panel value="messages" pt="md">
        <MessageList where={{ resource_type: 'VOLUME', resource_uuid: volume.id }} />
      </Tabs.Panel>
    </Tabs>
  );
}

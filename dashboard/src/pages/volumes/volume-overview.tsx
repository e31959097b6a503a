import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Volume, volumeUsageQuery } from '../../api/volumes.ts';
import { Facts, MetadataFacts, PageLink } from '../../components/facts.tsx';
import { bytesText, timeText, yesNo } from '../../components/quantities.ts';
import { Status } from '../../components/status.tsx';
import { AttachedTo } from './attached-to.tsx';
import { HydrationBar } from './hydration-bar.tsx';
import { VolumePicture } from './volume-picture.tsx';

export function VolumeOverview({ volume }: { volume: Volume }): ReactNode {
  const { group_id: groupId } = volume;
  return (
    <>
      <HydrationBar volumeId={volume.id} />
      <VolumePicture volume={volume} />
      <div className="columns columns-below">
        <div className="panel">
          <Facts
            facts={{
              Name: volume.name,
              ID: volume.id,
              Description: volume.description,
              'Project ID': volume['os-vol-tenant-attr:tenant_id'],
              Status: <Status status={volume.status} />,
              Group:
                groupId === null ? null : (
                  <PageLink to={`/project/volume_groups/${groupId}`}>{groupId}</PageLink>
                ),
            }}
          />
          <Facts
            title="Specs"
            facts={{
              Size: `${volume.size} GiB`,
              Type: volume.volume_type,
              Bootable: yesNo(volume.bootable === 'true'),
              Encrypted: yesNo(volume.encrypted),
              'Availability Zone': volume.availability_zone,
              Created: timeText(volume.created_at),
            }}
          />
        </div>
        <div className="panel">
          <Facts title="Attachments" facts={{ 'Attached To': <AttachedTo volume={volume} /> }} />
          <Facts title="Volume Source" facts={sourceFacts(volume)} />
          <SpaceFacts volumeId={volume.id} />
          <MetadataFacts metadata={volume.metadata} />
        </div>
      </div>
    </>
  );
}

function sourceFacts(volume: Volume): Record<string, ReactNode> {
  const { snapshot_id: snapshot, source_volid: source, backup_id: backup } = volume;
  if (backup !== null && backup !== undefined) {
    return { Backup: <PageLink to={`/project/backups/${backup}`}>{backup}</PageLink> };
  }
  if (snapshot !== null) {
    return { Snapshot: <PageLink to={`/project/snapshots/${snapshot}`}>{snapshot}</PageLink> };
  }
  if (source !== null) {
    return { Volume: <PageLink to={`/project/volumes/${source}`}>{source}</PageLink> };
  }
  return { Source: 'No source, empty volume' };
}

function SpaceFacts({ volumeId }: { volumeId: string }): ReactNode {
  const { data: usage } = useQuery(volumeUsageQuery(volumeId));
  if (usage === undefined) return null;
  return (
    <Facts
      title="Space on this host"
      facts={{
        Data: bytesText(usage.allocated_bytes),
        'Shared with snapshots and clones': bytesText(usage.shared_bytes),
        'Given back by its deletion': bytesText(usage.exclusive_bytes),
      }}
    />
  );
}

import type { ReactNode } from 'react';
import type { Volume } from '../../api/volumes.ts';

/** Who uses a volume, one a line: `/dev/vda on web-1`. */
export function AttachedTo({ volume }: { volume: Volume }): ReactNode {
  if (volume.attachments.length === 0) return '-';
  return volume.attachments.map(({ attachment_id: id, device, server_id: server, host_name }) => (
    <div key={id} className="any-break">
      {device === null ? '' : `${device} on `}
      {server ?? host_name ?? 'a client over NBD'}
    </div>
  ));
}

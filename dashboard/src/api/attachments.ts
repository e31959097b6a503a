import { ask } from './http.ts';

export interface MadeAttachment {
  readonly id: string;
  readonly connection_info: { readonly uri?: string; readonly unix_uri?: string };
}

const base = '/volume/v3/attachments';

/** Attaches a volume for a client of this name; the answer holds the secret NBD address. */
export async function attachVolume(volumeId: string, host: string): Promise<MadeAttachment> {
  const connector = { host, initiator: host };
  const body = { attachment: { volume_uuid: volumeId, instance_uuid: null, connector } };
  const path = base;
  const { attachment } = await ask<{ attachment: MadeAttachment }>(path, { method: 'POST', body });
  await ask(`${base}/${attachment.id}/action`, { method: 'POST', body: { 'os-complete': null } });
  return attachment;
}

export async function showAttachment(id: string): Promise<MadeAttachment> {
  return (await ask<{ attachment: MadeAttachment }>(`${base}/${id}`)).attachment;
}

export async function detachVolume(id: string): Promise<void> {
  await ask(`${base}/${id}`, { method: 'DELETE' });
}

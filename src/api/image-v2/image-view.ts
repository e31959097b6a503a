import type { ImageRow } from '../../catalog/tables.ts';

/** What an image has whose record says nothing. */
const defaults = {
  container_format: null,
  disk_format: null,
  min_disk: 0,
  min_ram: 0,
  os_hidden: false,
  protected: false,
  tags: [],
};

/** An image as Image v2 shows it: all fields side by side. */
export function imageView(row: ImageRow): object {
  return {
    ...defaults,
    ...row.properties,
    id: row.id,
    name: row.name,
    status: row.status,
    visibility: row.visibility,
    owner: row.projectId,
    created_at: seconds(row.createdAt),
    updated_at: seconds(row.updatedAt),
    checksum: row.checksum,
    os_hash_algo: row.hashValue === null ? null : 'sha512',
    os_hash_value: row.hashValue,
    size: row.sizeBytes,
    virtual_size: row.virtualSizeBytes,
    self: `/v2/images/${row.id}`,
    file: `/v2/images/${row.id}/file`,
    schema: '/v2/schemas/image',
  };
}

function seconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

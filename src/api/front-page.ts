/** What `GET /` says to a person who opened the address in a browser. */
export function frontPage(publicUrl: string): object {
  return {
    name: 'Firn',
    about: 'Self-hosted block storage: instant snapshots and proven backups.',
    apis: {
      identity: `${publicUrl}/identity/v3`,
      'block-storage': `${publicUrl}/volume/v3`,
      image: `${publicUrl}/image/v2`,
      firn: `${publicUrl}/firn/v1`,
    },
    health: { live: `${publicUrl}/healthz`, ready: `${publicUrl}/readyz` },
  };
}

/** Version documents of Identity (api-ref of Keystone, "API versions"). */
function version(publicUrl: string): object {
  return {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${publicUrl}/identity/v3/` }],
    'media-types': [
      { base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' },
    ],
  };
}

/** The answer of `GET /identity`, sent with status 300. */
export function versionList(publicUrl: string): object {
  return { versions: { values: [version(publicUrl)] } };
}

/** The answer of `GET /identity/v3`. */
export function versionDocument(publicUrl: string): object {
  return { version: version(publicUrl) };
}

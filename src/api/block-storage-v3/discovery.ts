/** Version documents of Block Storage (api-ref of Cinder, "API versions"); no token is needed. */
import { microversionMax, microversionMin } from '../microversion.ts';

/** The answer of `GET /volume/` (status 300) and of `GET /volume/v3/`. */
export function versionsDocument(publicUrl: string): object {
  return {
    versions: [
      {
        id: 'v3.0',
        status: 'CURRENT',
        version: `3.${microversionMax}`,
        min_version: `3.${microversionMin}`,
        updated: '2023-08-31T00:00:00Z',
        links: [
          { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
          { rel: 'self', href: `${publicUrl}/volume/v3/` },
        ],
        'media-types': [
          { base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' },
        ],
      },
    ],
  };
}

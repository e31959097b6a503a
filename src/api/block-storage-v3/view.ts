/** What the views of all resources share. */
import { isoMicros } from '../../base/clock.ts';

/** To whom a view is shown: it decides which fields there are, and where links lead. */
export interface Viewer {
  /** NN of `volume 3.NN`. */
  readonly microversion: number;
  readonly isAdmin: boolean;
  readonly projectId: string;
  /** Without a slash at the end. */
  readonly publicUrl: string;
}

export function timeView(ms: number | null): string | null {
  return ms === null ? null : isoMicros(ms);
}

/** The links of one resource: `kind` is its name in paths, in the plural. */
export function linksTo(viewer: Viewer, kind: string, id: string): object[] {
  const { publicUrl, projectId } = viewer;
  return [
    { rel: 'self', href: `${publicUrl}/volume/v3/${projectId}/${kind}/${id}` },
    { rel: 'bookmark', href: `${publicUrl}/volume/${projectId}/${kind}/${id}` },
  ];
}

import { OperatingError } from '../base/errors.ts';

/** Where an export is served: on TCP or on a unix socket. */
export type NbdAddress =
  | { readonly host: string; readonly port: number; readonly exportName: string }
  | { readonly path: string; readonly exportName: string };

const defaultPort = 10809;

/**
 * Reads `nbd://HOST[:PORT]/EXPORT` and `nbd+unix:///EXPORT?socket=PATH`, as the NBD project's
 * doc/uri.md defines them. Anything else is `invalid_input`.
 */
export function parseNbdUri(uri: string): NbdAddress {
  if (!URL.canParse(uri)) throw invalid(uri);
  const url = new URL(uri);
  const exportName = decode(url.pathname.replace(/^\//, ''), uri);
  if (url.protocol === 'nbd+unix:') {
    const path = url.searchParams.get('socket');
    if (path === null || path === '' || url.host !== '') throw invalid(uri);
    return { path, exportName };
  }
  if (url.protocol !== 'nbd:' || url.hostname === '') throw invalid(uri);
  const host = decode(url.hostname.replace(/^\[(.*)\]$/, '$1'), uri);
  return { host, port: url.port === '' ? defaultPort : Number(url.port), exportName };
}

function decode(text: string, uri: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new OperatingError('invalid_input', `not an NBD address: ${uri}`, { cause: error });
  }
}

function invalid(uri: string): OperatingError {
  return new OperatingError('invalid_input', `not an NBD address: ${uri}`, { field: 'uri' });
}

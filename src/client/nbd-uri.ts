import { OperatingError } from '../base/errors.ts';

/** Where an export is served: on TCP or on a unix socket. */
export type NbdAddress = NbdTcpAddress | { readonly path: string; readonly exportName: string };

export interface NbdTcpAddress {
  readonly host: string;
  readonly port: number;
  readonly exportName: string;
  /** Set when the connection must be in TLS; the folder of certificates may be given. */
  readonly secure?: { readonly certificates?: string };
}

const defaultPort = 10809;

/**
 * Reads `nbd://HOST[:PORT]/EXPORT`, `nbds://…` with perhaps `?tls-certificates=FOLDER` behind it,
 * and `nbd+unix:///EXPORT?socket=PATH`, as the NBD project's doc/uri.md defines them. Anything else
 * is `invalid_input`.
 */
export function parseNbdUri(uri: string): NbdAddress {
  if (!URL.canParse(uri)) throw invalid();
  const url = new URL(uri);
  const exportName = decode(url.pathname.replace(/^\//, ''));
  if (url.protocol === 'nbd+unix:') {
    const path = url.searchParams.get('socket');
    if (path === null || path === '' || url.host !== '') throw invalid();
    return { path, exportName };
  }
  const clear = url.protocol === 'nbd:';
  if ((!clear && url.protocol !== 'nbds:') || url.hostname === '') throw invalid();
  const host = decode(url.hostname.replace(/^\[(.*)\]$/, '$1'));
  const port = url.port === '' ? defaultPort : Number(url.port);
  if (clear) return { host, port, exportName };
  const certificates = url.searchParams.get('tls-certificates');
  return { host, port, exportName, secure: certificates === null ? {} : { certificates } };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw invalid(error);
  }
}

/** The address itself is not repeated: its export name is a secret. */
function invalid(cause?: unknown): OperatingError {
  const message =
    'not an NBD address; expected nbd://HOST:PORT/EXPORT, nbds://HOST:PORT/EXPORT ' +
    'or nbd+unix:///EXPORT?socket=PATH';
  return new OperatingError('invalid_input', message, { field: 'uri', cause });
}

/** The HTTP server below the application: in clear, or in TLS with the operator's certificate. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';

export interface HttpTls {
  /** PEM: the certificate and those between it and the authority. */
  readonly certificate: string;
  readonly key: string;
}

/** Headers must be there after 20 s; bodies have limits of their own. */
const serverOptions = {
  headersTimeout: 20_000,
  requestTimeout: 0,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16_384,
} as const;

export interface ServerFactory {
  readonly make: (handler: RequestListener) => Server;
  /** Uses another certificate for connections from now on. */
  renew(tls: HttpTls): void;
}

export function serverFactory(tls: HttpTls | undefined): ServerFactory {
  let secure: TlsServer | undefined;
  return {
    make(handler) {
      if (tls === undefined) return createServer(serverOptions, handler);
      secure = createTlsServer({ ...serverOptions, ...contextOf(tls) }, handler);
      return secure;
    },
    renew: (next) => secure?.setSecureContext(contextOf(next)),
  };
}

function contextOf({ certificate, key }: HttpTls) {
  return { cert: certificate, key, minVersion: 'TLSv1.2' } as const;
}

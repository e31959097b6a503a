import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import { Channel } from './channel.ts';
import type { StartTls } from './handshake.ts';

/** What a server shows in TLS and asks of its clients, as PEM text: it can cross to a thread. */
export interface NbdTls {
  /** The server's certificate, with the certificates between it and its authority behind it. */
  readonly certificate: string;
  readonly key: string;
  /** With it, a client has to show a certificate that one of these authorities has signed. */
  readonly clientAuthority?: string | undefined;
}

/**
 * Continues a connection in TLS 1.2 or later, as the server's side of it. Every connection gets a
 * TLS server of its own, which never listens: what a connection was promised at its start holds
 * for it, and no session is resumed under certificates that were replaced.
 */
export function tlsOver(socket: Socket, tls: NbdTls): StartTls {
  return (plain) => {
    plain.detach();
    // In TLS either side's end is the end of both; a peer that left in the middle is gone at once.
    socket.allowHalfOpen = false;
    const server = createServer({
      cert: tls.certificate,
      key: tls.key,
      ca: tls.clientAuthority,
      requestCert: tls.clientAuthority !== undefined,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
    });
    return new Promise((resolve) => {
      server.once('secureConnection', (secure) => {
        secure.on('error', (error) => socket.destroy(error));
        resolve(new Channel(secure));
      });
      server.once('tlsClientError', () => {
        socket.destroy();
        resolve(undefined);
      });
      server.emit('connection', socket);
    });
  };
}

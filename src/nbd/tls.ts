import { TLSSocket, type SecureContext } from 'node:tls';
import { Channel } from './channel.ts';
import type { StartTls } from './handshake.ts';
import type { Socket } from 'node:net';

/** Continues a connection in TLS, as the server's side of it. */
export function tlsOver(socket: Socket, secureContext: SecureContext): StartTls {
  return (plain) => {
    plain.input.detach();
    const secure = new TLSSocket(socket, { isServer: true, secureContext });
    return new Promise((resolve) => {
      const failed = (): void => {
        socket.destroy();
        resolve(undefined);
      };
      secure.on('error', failed);
      secure.once('close', failed);
      secure.once('secure', () => resolve(new Channel(secure)));
    });
  };
}

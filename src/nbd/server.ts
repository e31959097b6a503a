import { createServer, type Server, type Socket } from 'node:net';
import { assert } from '../base/assert.ts';
import { MiB } from '../base/bytes.ts';
import { Budget } from './budget.ts';
import { BufferPool } from './buffer-pool.ts';
import { Connection, type NbdEvent } from './connection.ts';
import type { ExportRegistry } from './exports.ts';
import { defaultLimits, type NbdLimits } from './limits.ts';
import { listening, listenOnPath } from './listen.ts';
import { Turns } from './turns.ts';
import { tlsOver, type NbdTls } from './tls.ts';

/** An idle TCP peer that died without a word is found out after this time. */
const keepAliveMs = 60_000;
/** Memory that is kept for the next long requests. */
const freeBytesMax = 64 * MiB;

export interface NbdServerOptions {
  readonly exports: ExportRegistry;
  readonly log?: (event: NbdEvent) => void;
  readonly limits?: Partial<NbdLimits>;
  /** With it, every TCP client has to begin TLS first; unix sockets stay in clear. */
  readonly tls?: NbdTls | undefined;
}

/**
 * Serves the exports of a registry to NBD clients on any number of addresses. A bad client ends its
 * own connection and no other.
 */
export class NbdServer {
  readonly #exports: ExportRegistry;
  readonly #log: (event: NbdEvent) => void;
  readonly #limits: NbdLimits;
  #tls: NbdTls | undefined;
  readonly #shared: Budget;
  readonly #pool = new BufferPool(freeBytesMax);
  readonly #turns = new Turns();
  readonly #servers = new Set<Server>();
  readonly #connections = new Set<Connection>();
  #lastId = 0;
  #closed = false;

  constructor(options: NbdServerOptions) {
    this.#exports = options.exports;
    this.#log = options.log ?? (() => undefined);
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#tls = options.tls;
    this.#shared = new Budget(this.#limits.sharedBytesMax);
  }

  /** The memory that long requests hold just now. */
  get sharedBytesLent(): number {
    return this.#shared.lent;
  }

  /** From now on new TCP clients meet these certificates; connections that are there live on. */
  renewTls(tls: NbdTls): void {
    assert(this.#tls !== undefined, 'whether TLS is required is settled when the server is made');
    this.#tls = tls;
  }

  /** Listens on TCP; port 0 takes a free one. Rejects with the system's error (`EADDRINUSE`). */
  async listenTcp(host: string, port: number): Promise<{ port: number }> {
    const server = this.#newServer({ tcp: true });
    await listening(server, () => server.listen(port, host));
    const address = server.address();
    assert(typeof address === 'object' && address !== null, 'a TCP server has an address');
    return { port: address.port };
  }

  /** Listens on a unix socket of mode 0600; a stale socket file is replaced, a live one refused. */
  async listenUnix(path: string): Promise<void> {
    await listenOnPath(this.#newServer({ tcp: false }), path);
  }

  /** Ends all connections in order; resolves when every device is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    const closing = [...this.#servers].map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    await Promise.all(closing);
  }

  #newServer(place: { tcp: boolean }): Server {
    assert(!this.#closed, 'a closed server does not listen again');
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.on('error', (error) => this.#log({ kind: 'refused', reason: error.message }));
    server.on('connection', (socket) => this.#accept(socket, place.tcp));
    this.#servers.add(server);
    return server;
  }

  #accept(socket: Socket, tcp: boolean): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      socket.on('error', () => undefined);
      socket.destroy();
      this.#log({ kind: 'refused', reason: refusal });
      return;
    }
    socket.setKeepAlive(true, keepAliveMs);
    const tls = tcp ? this.#tls : undefined;
    this.#lastId += 1;
    const connection = new Connection(socket, {
      id: this.#lastId,
      exports: this.#exports,
      limits: this.#limits,
      shared: this.#shared,
      pool: this.#pool,
      turns: this.#turns,
      log: this.#log,
      startTls: tls === undefined ? undefined : tlsOver(socket, tls),
    });
    this.#connections.add(connection);
    void connection.ended.then(() => this.#connections.delete(connection));
  }

  #refusal(): string | undefined {
    if (this.#closed) return 'the server is closing';
    if (this.#connections.size >= this.#limits.connectionsMax) return 'too many connections';
    let handshakes = 0;
    for (const connection of this.#connections) if (connection.shakingHands) handshakes += 1;
    return handshakes >= this.#limits.handshakesMax ? 'too many handshakes' : undefined;
  }
}

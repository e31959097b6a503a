import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Channel } from './channel.ts';
import type { DirectInput } from './direct-input.ts';
import { Turns } from './turns.ts';

export interface Pair {
  readonly peer: Socket;
  readonly channel: Channel;
  readonly input: DirectInput;
}

/** Two ends of a unix socket; the peer has sent `first` before the channel goes direct. */
export async function withPair(
  work: (pair: Pair) => Promise<void>,
  { first = Buffer.alloc(0), awakeMs = 0.1 } = {},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-direct-'));
  const server = createServer({ allowHalfOpen: true }).listen(join(folder, 's'));
  await once(server, 'listening');
  const peer = connect(join(folder, 's'));
  const [socket]: Socket[] = await once(server, 'connection');
  assert.ok(socket !== undefined);
  const channel = new Channel(socket);
  if (first.length > 0) {
    peer.write(first);
    await channel.input.wait(1);
  }
  const input = channel.goDirect(new Turns({ awakeMs }));
  assert.ok(input !== undefined);
  try {
    await work({ peer, channel, input });
  } finally {
    peer.destroy();
    socket.destroy();
    server.close();
    await rm(folder, { recursive: true });
  }
}

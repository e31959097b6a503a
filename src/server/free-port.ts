import { once } from 'node:events';
import { createServer } from 'node:net';
import { randomUnit } from '../base/chance.ts';
import { errnoOf } from '../base/errors.ts';
import type { Address } from './address.ts';

/** Ports that systems do not give to connections that go out, which would take one in between. */
const freePorts = { first: 20_000, count: 12_000 };

/** Port 0 becomes a port that is free now. */
export async function withPort(address: Address): Promise<Address> {
  if (address.port !== 0) return address;
  for (;;) {
    const port = freePorts.first + Math.floor(randomUnit() * freePorts.count);
    if (await isFree(address.host, port)) return { host: address.host, port };
  }
}

async function isFree(host: string, port: number): Promise<boolean> {
  const probe = createServer().listen(port, host);
  try {
    await once(probe, 'listening');
  } catch (error) {
    if (errnoOf(error) === 'EADDRINUSE') return false;
    throw error;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}

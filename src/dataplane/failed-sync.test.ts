/** What a client sees of a disk that could not keep what it was given. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { newSecret } from '../base/ids.ts';
import { connectNbd, type NbdClient } from '../client/nbd.ts';
import { ExportRegistry } from '../nbd/exports.ts';
import { NbdServer } from '../nbd/server.ts';
import { hookedFileOperations, systemError } from '../volume/failing-files.ts';
import { openVolumeEngine, type OpenedEngine } from '../volume/open-engine.ts';
import { ServedExports } from './served-exports.ts';

const sector = 4096;
const lengthBytes = 64 * sector;
const inputOutputError = /input\/output error/;

interface Scene {
  readonly engine: OpenedEngine;
  /** Another client of the volume. */
  readonly connect: () => Promise<NbdClient>;
  /** How often a sync of data or of a map fails from now on. */
  failSyncs(count: number): void;
}

async function startScene(t: TestContext): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-failed-sync-'));
  let failures = 0;
  const fs = hookedFileOperations((operation) => {
    if (operation !== 'datasync' || failures === 0) return;
    failures -= 1;
    throw systemError('EIO');
  });
  const engine = await openVolumeEngine({ folder: join(folder, 'volumes'), fs });
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  const registry = new ExportRegistry();
  const name = newSecret();
  await new ServedExports(engine, registry).add(name, {
    source: { volumeId: 'v' },
    readOnly: false,
  });
  const server = new NbdServer({ exports: registry });
  const path = join(folder, 'nbd.sock');
  await server.listenUnix(path);
  t.after(async () => {
    await server.close();
    await engine.close();
    await rm(folder, { recursive: true });
  });
  return {
    engine,
    connect: () => connectNbd({ uri: `nbd+unix:///${name}?socket=${path}` }),
    failSyncs: (count) => {
      failures = count;
    },
  };
}

async function assertNothingIsTaken(client: NbdClient): Promise<void> {
  for (let index = 0; index < 3; index += 1) {
    await assert.rejects(client.flush(), inputOutputError);
    await assert.rejects(client.write(index * sector, Buffer.alloc(sector, 9)), inputOutputError);
    await assert.rejects(client.zero(index * sector, sector), inputOutputError);
    await assert.rejects(client.trim(index * sector, sector), inputOutputError);
  }
}

test('after a failed sync nothing more is acknowledged, on any connection', async (t) => {
  const scene = await startScene(t);
  const [first, second] = [await scene.connect(), await scene.connect()];
  await first.write(0, Buffer.alloc(sector, 1));
  await first.flush();
  await first.write(sector, Buffer.alloc(sector, 2));
  scene.failSyncs(1);
  await assert.rejects(first.flush(), inputOutputError);
  await assertNothingIsTaken(first);
  await assertNothingIsTaken(second);
  const late = await scene.connect();
  await assertNothingIsTaken(late);
  const target = Buffer.alloc(sector);
  await late.read(0, target);
  assert.ok(target.equals(Buffer.alloc(sector, 1)), 'reads go on');
  for (const client of [first, second, late]) await client.disconnect();
});

test('so it is after a failed write with FUA; opened anew, it takes changes', async (t) => {
  const scene = await startScene(t);
  const client = await scene.connect();
  await client.write(0, Buffer.alloc(sector, 1));
  await client.flush();
  scene.failSyncs(1);
  const forced = client.write(2 * sector, Buffer.alloc(sector, 3), { fua: true });
  await assert.rejects(forced, inputOutputError);
  await assertNothingIsTaken(client);
  await client.disconnect();
  const again = await untilSound(scene);
  const target = Buffer.alloc(sector);
  await again.read(0, target);
  assert.ok(target.equals(Buffer.alloc(sector, 1)));
  await again.write(5 * sector, Buffer.alloc(sector, 5));
  await again.flush();
  await again.disconnect();
});

/** A client whose volume was closed by all others, and takes changes again. */
async function untilSound({ connect }: Scene): Promise<NbdClient> {
  for (;;) {
    const client = await connect();
    try {
      await client.flush();
      return client;
    } catch {
      // The server has not seen yet that the other has left.
      await client.disconnect();
    }
  }
}

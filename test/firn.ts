/** A real Firn in a folder of its own, for the tests that look at it from outside. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FirnProcess, startFirn } from '../demo/firn-process.ts';
import { Client } from '../src/client/client.ts';
import { cloudFromYaml } from '../src/client/cloud.ts';
import { waitForStatus } from '../src/client/wait.ts';

/** How long anything may take before a test says that it is stuck. */
const timeoutMs = 180_000;

export interface Scene {
  readonly folder: string;
  readonly dataFolder: string;
  readonly client: Client;
  readonly firn: FirnProcess;
  /** Starts Firn again after it was stopped or killed; the scene's client and process are new. */
  restart(args?: readonly string[]): Promise<void>;
}

/** Something that has an end: a test's context, or the hooks of a suite. */
export interface Ending {
  readonly after: (work: () => Promise<void>) => void;
}

/** Starts Firn for one test or suite; it is stopped and its folder removed at the end. */
export async function startScene(t: Ending, args: readonly string[] = []): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-test-'));
  const dataFolder = join(folder, 'data');
  let firn = await startFirn(dataFolder, args);
  let client = connect(dataFolder);
  t.after(async () => {
    await firn.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    folder,
    dataFolder,
    get client() {
      return client;
    },
    get firn() {
      return firn;
    },
    async restart(again = args) {
      await firn.stop();
      firn = await startFirn(dataFolder, again);
      client = connect(dataFolder);
    },
  };
}

export function connect(dataFolder: string): Client {
  const path = join(dataFolder, 'clouds.yaml');
  return new Client(cloudFromYaml(readFileSync(path, 'utf8'), path));
}

/** Waits until a volume is available, and returns its id. */
export async function volumeReady(client: Client, id: string): Promise<string> {
  const look = () => client.volumes.show(id);
  await waitForStatus({ look, until: 'available', what: `volume ${id}`, timeoutMs });
  return id;
}

export async function snapshotReady(client: Client, id: string): Promise<string> {
  const look = () => client.snapshots.show(id);
  await waitForStatus({ look, until: 'available', what: `snapshot ${id}`, timeoutMs });
  return id;
}

export async function backupReady(client: Client, id: string): Promise<string> {
  const look = () => client.backups.show(id);
  await waitForStatus({ look, until: 'available', what: `backup ${id}`, timeoutMs });
  return id;
}

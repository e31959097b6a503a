/** A Firn with a terminal client on it, for a suite of commands that build on each other. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { must } from '../../src/base/assert.ts';
import { BlockStorage } from '../block-storage.ts';
import { startScene } from '../firn.ts';
import { Fleet } from './fleet.ts';
import { until } from './until.ts';

type Kind = 'volumes' | 'snapshots' | 'backups' | 'groups' | 'group_snapshots';

export interface FleetScene {
  readonly fleet: Fleet;
  readonly storage: BlockStorage;
  readonly dataFolder: string;
  /** A folder with `disk.raw`, which Firn may adopt files from. */
  readonly disks: string;
  /** Waits until every object of this kind is settled. */
  readonly settle: (kind: Kind) => Promise<void>;
}

/** Called within a suite; the scene is there while its tests run. */
export function fleetScene(client: 'openstack' | 'cinder', microversion: string): () => FleetScene {
  let scene: FleetScene | undefined;
  const endings: (() => Promise<void>)[] = [];
  before(async () => {
    const disks = await mkdtemp(join(tmpdir(), 'firn-fleet-'));
    endings.push(() => rm(disks, { recursive: true }));
    await writeFile(join(disks, 'disk.raw'), 'a disk');
    const ending = { after: (work: () => Promise<void>) => void endings.unshift(work) };
    const { dataFolder } = await startScene(ending, ['--volumes-manage-folder', disks]);
    const storage = new BlockStorage(dataFolder);
    const fleet = new Fleet(client, dataFolder, microversion);
    endings.unshift(async () => fleet.close());
    scene = {
      fleet,
      storage,
      dataFolder,
      disks,
      async settle(kind) {
        await until(`the ${kind} are settled`, async () => {
          const all = await storage.list(kind);
          return all.every(
            ({ status }) => typeof status === 'string' && /^(?:available|error)/.test(status),
          );
        });
      },
    };
  });
  after(async () => {
    for (const end of endings) await end();
  });
  return () => must(scene, 'the scene');
}

/** A real folder of volumes for tests, made by the engine, and ways to damage it. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '../base/assert.ts';
import { GiB, KiB, MiB } from '../base/bytes.ts';
import type { JsonObject } from '../base/json.ts';
import type { LayerRecord } from '../layer/layer-record.ts';
import { parseLayerRecord } from '../layer/layer-record.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';
import type { VolumeRecord } from '../volume/volume-record.ts';
import { parseVolumeRecord } from '../volume/volume-record.ts';

export const sector = 4 * KiB;

/**
 * Volume `v` of 1 GiB with snapshots `s1` and `s2`, volume `clone` on `s1`, and volume `other`.
 * Each has a byte value of its own in some sectors of the first MiB.
 */
export class TestFolder {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<TestFolder> {
    const folder = await mkdtemp(join(tmpdir(), 'firn-inspect-'));
    const engine = await openVolumeEngine({ folder });
    await engine.createVolume({ volumeId: 'v', lengthBytes: GiB });
    const device = await engine.openVolume('v');
    await device.write(0, Buffer.alloc(MiB, 1));
    await device.write(GiB / 2, Buffer.alloc(sector, 1));
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 's1' }]);
    await device.write(sector, Buffer.alloc(sector, 2));
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 's2' }]);
    await device.write(2 * sector, Buffer.alloc(sector, 3));
    await device.close();
    const from = { snapshotId: 's1' };
    await engine.createVolume({ volumeId: 'clone', lengthBytes: GiB, from });
    const clone = await engine.openVolume('clone');
    await clone.write(0, Buffer.alloc(sector, 4));
    await clone.close();
    await engine.createVolume({ volumeId: 'other', lengthBytes: 3 * MiB });
    const other = await engine.openVolume('other');
    await other.write(MiB, Buffer.alloc(16 * sector, 5));
    await other.close();
    await engine.settled();
    await engine.close();
    return new TestFolder(folder);
  }

  /** A copy to be damaged. */
  async copy(): Promise<TestFolder> {
    const folder = await mkdtemp(join(tmpdir(), 'firn-inspect-'));
    execFileSync('cp', ['-a', '--sparse=always', `${this.folder}/.`, folder]);
    return new TestFolder(folder);
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  layer(id: string, name = ''): string {
    return this.path('layers', id, name);
  }

  async volume(id: string): Promise<VolumeRecord> {
    return parseVolumeRecord(await readFile(this.path('volumes', `${id}.json`), 'utf8'), id);
  }

  /** The record as it is in its file. */
  async record(id: string): Promise<JsonObject> {
    return JSON.parse(await readFile(this.path('volumes', `${id}.json`), 'utf8'));
  }

  async layerRecord(id: string): Promise<LayerRecord> {
    return parseLayerRecord(await readFile(this.layer(id, 'layer.json'), 'utf8'), id);
  }

  async head(volumeId: string): Promise<string> {
    return (await this.volume(volumeId)).head;
  }

  async snapshotLayer(snapshotId: string): Promise<string> {
    const { snapshots } = await this.volume('v');
    return must(snapshots.find(({ id }) => id === snapshotId)?.layer, 'the snapshot is there');
  }

  /** Changes fields of a record, whatever comes out. */
  async edit(path: string, change: (record: JsonObject) => void): Promise<void> {
    const record: JsonObject = JSON.parse(await readFile(path, 'utf8'));
    change(record);
    await writeFile(path, JSON.stringify(record));
  }

  editVolume(id: string, change: (record: JsonObject) => void): Promise<void> {
    return this.edit(this.path('volumes', `${id}.json`), change);
  }

  editLayer(id: string, change: (record: JsonObject) => void): Promise<void> {
    return this.edit(this.layer(id, 'layer.json'), change);
  }

  /** Turns one bit of a file over. */
  async flip(path: string, positionBytes: number, mask = 1): Promise<void> {
    const file = await open(path, 'r+');
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, positionBytes);
    byte[0] = (byte[0] ?? 0) ^ mask;
    await file.write(byte, 0, 1, positionBytes);
    await file.close();
  }

  async overwrite(path: string, positionBytes: number, content: Uint8Array): Promise<void> {
    const file = await open(path, 'r+');
    await file.write(content, 0, content.length, positionBytes);
    await file.close();
  }

  /** What a volume or snapshot reads as in its first MiB, as the engine reads it. */
  async read(of: { volumeId: string } | { snapshotId: string }): Promise<Buffer> {
    const engine = await openVolumeEngine({ folder: this.folder });
    try {
      const device = await ('volumeId' in of
        ? engine.openVolume(of.volumeId)
        : engine.openSnapshot(of.snapshotId));
      const target = Buffer.alloc(MiB);
      await device.read(0, target);
      await device.close();
      return target;
    } finally {
      await engine.close();
    }
  }

  /** Every file with its content, to see that nothing changed. */
  async everything(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const entry of await readdir(this.folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const isSmall = entry.isFile() && !/data/.test(entry.name);
      found.set(path, isSmall ? await readFile(path, 'latin1') : '');
    }
    return found;
  }
}

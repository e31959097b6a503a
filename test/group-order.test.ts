/**
 * A guest writes a counter to the first volume of a group, then to the second, and so on. In every
 * group snapshot, and in every copy of the group, the second counter is the first one or the one
 * before it: what was acknowledged earlier is never missing where something later is there.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '../src/base/assert.ts';
import { connectNbd, type NbdClient } from '../src/client/nbd.ts';
import { BlockStorage, idOf } from './block-storage.ts';
import { type Scene, startScene } from './firn.ts';
import { withDisk } from '../demo/disk.ts';

const rounds = 4;

async function makeGroup(storage: BlockStorage): Promise<{ groupId: string; ids: string[] }> {
  const fields = { group_type: 'default_cgsnapshot_type', volume_types: ['__DEFAULT__'] };
  const groupId = idOf(await storage.post('/groups', { group: fields }));
  const ids: string[] = [];
  for (const name of ['first', 'second']) {
    const volume = { size: 1, name, volume_type: '__DEFAULT__', group_id: groupId };
    const id = idOf(await storage.post('/volumes', { volume }));
    assert.equal(await storage.settled(`/volumes/${id}`), 'available');
    ids.push(id);
  }
  return { groupId, ids };
}

/** Counts on both disks by turns, from `count` on, until it is told to stop. */
async function countOn(disks: readonly NbdClient[], count: number, stop: () => boolean) {
  const sector = Buffer.alloc(4096);
  let next = count;
  for (; !stop(); next += 1) {
    sector.writeDoubleLE(next);
    for (const disk of disks) await disk.write(0, sector);
  }
  return next;
}

async function counterOf(scene: Scene, volumeId: string): Promise<number> {
  return await withDisk(scene.client, volumeId, async (disk) => {
    const sector = Buffer.alloc(4096);
    await disk.read(0, sector);
    return sector.readDoubleLE();
  });
}

/** The counters of a group that was made of the two volumes, or of their snapshots. */
async function counters(
  scene: Scene,
  storage: BlockStorage,
  groupId: string,
  ids: readonly string[],
): Promise<number[]> {
  assert.equal(await storage.settled(`/groups/${groupId}`), 'available');
  const clones = await storage.list('volumes', `?group_id=${groupId}`);
  const found: number[] = [];
  for (const id of ids) {
    const origin = await Promise.all(
      clones.map(async ({ source_volid: volumeId, snapshot_id: snapshotId }) =>
        typeof snapshotId === 'string'
          ? (await storage.get(`/snapshots/${snapshotId}`))['volume_id']
          : volumeId,
      ),
    );
    const clone = must(clones[origin.indexOf(id)], 'the clone of a volume');
    found.push(await counterOf(scene, idOf(clone)));
  }
  return found;
}

test('group snapshots and copies of groups keep the order of writes', async (t) => {
  const scene = await startScene(t);
  const storage = new BlockStorage(scene.dataFolder);
  const { groupId, ids } = await makeGroup(storage);
  const disks: NbdClient[] = [];
  for (const id of ids) {
    const { connection_info: info } = await scene.client.attach(id, { host: 'guest', mode: 'rw' });
    disks.push(await connectNbd({ uri: must(info.unix_uri, 'the address of the volume') }));
  }
  let stopped = false;
  const counting = countOn(disks, 1, () => stopped);
  const made: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const snapshot = await storage.post('/group_snapshots', {
      group_snapshot: { group_id: groupId },
    });
    const groupSnapshotId = idOf(snapshot);
    assert.equal(await storage.settled(`/group_snapshots/${groupSnapshotId}`), 'available');
    for (const source of [{ group_snapshot_id: groupSnapshotId }, { source_group_id: groupId }]) {
      made.push(idOf(await storage.post('/groups/action', { 'create-from-src': source })));
    }
  }
  for (const id of made) assert.equal(await storage.settled(`/groups/${id}`), 'available');
  stopped = true;
  const last = await counting;
  for (const disk of disks) await disk.disconnect();
  const seen: number[] = [];
  for (const id of made) {
    const [first = -1, second = -1] = await counters(scene, storage, id, ids);
    assert.ok(first === second || first === second + 1, `${first} and ${second}`);
    seen.push(first);
  }
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
    'a later instant is never older',
  );
  assert.ok(must(seen.at(-1), 'a counter') > must(seen[0], 'a counter'), 'the guest counted on');
  assert.ok(must(seen.at(-1), 'a counter') < last);
});

test('a group snapshot and a copy that are killed come to a good end', async (t) => {
  const scene = await startScene(t);
  const { groupId } = await makeGroup(new BlockStorage(scene.dataFolder));
  for (let round = 0; round < 2; round += 1) {
    const storage = new BlockStorage(scene.dataFolder);
    const group_snapshot = { group_id: groupId };
    const snapshotId = idOf(await storage.post('/group_snapshots', { group_snapshot }));
    const source = { source_group_id: groupId };
    const copyId = idOf(await storage.post('/groups/action', { 'create-from-src': source }));
    await scene.firn.kill();
    await scene.restart();
    const after = new BlockStorage(scene.dataFolder);
    assert.equal(await after.settled(`/group_snapshots/${snapshotId}`), 'available');
    assert.equal(await after.settled(`/groups/${copyId}`), 'available');
    const clones = await after.list('volumes', `?group_id=${copyId}`);
    assert.deepEqual(
      clones.map(({ status }) => status),
      ['available', 'available'],
    );
    const members = await after.list('snapshots', `?group_snapshot_id=${snapshotId}`);
    assert.deepEqual(
      members.map(({ status }) => status),
      ['available', 'available'],
    );
  }
});

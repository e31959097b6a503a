import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { seeded } from '../../demo/random.ts';
import { OperatingError } from '../base/errors.ts';
import { idBytes, leafBytes, nodeBytes, nodeIds } from './block.ts';
import { leavesOf } from './map-walk.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? Math.floor(performance.timeOrigin % 2 ** 31));
process.stdout.write(`# map-walk.test.ts: FIRN_TEST_SEED=${seed}\n`);

/** Every third place of the root is empty; the id of each leaf is its number, and 1 behind it. */
const leafCount = 300;
const placesWithData = Array.from({ length: leafCount }, (_none, leaf) => leaf).filter(
  (leaf) => leaf % 3 !== 0,
);
const whole = { offsetBytes: 0, lengthBytes: leafCount * leafBytes };

function idOf(leaf: number): Uint8Array {
  const id = Buffer.alloc(idBytes);
  id.writeUInt32LE(leaf);
  id[idBytes - 1] = 1;
  return id;
}

const root = { rootId: Uint8Array.from({ length: idBytes }, () => 255), depth: 2 };

/** Nodes that come in any order, and how many are under way. */
function slowNodes({ damaged }: { damaged?: number } = {}) {
  const random = seeded(seed);
  const at = { once: 0, most: 0 };
  const read = async (): Promise<Uint8Array> => {
    const ids = new Uint8Array(nodeIds * idBytes);
    for (const leaf of placesWithData) ids.set(idOf(leaf), leaf * idBytes);
    return ids;
  };
  const readInto = async (room: Uint8Array, id: Uint8Array): Promise<Uint8Array> => {
    at.once += 1;
    at.most = Math.max(at.most, at.once);
    for (let turns = 1 + Math.floor(random() * 5); turns > 0; turns -= 1) await setImmediate();
    at.once -= 1;
    const leaf = Buffer.from(id).readUInt32LE();
    if (leaf === damaged) throw new OperatingError('corrupt', `leaf ${leaf}`);
    assert.equal(room.length, nodeBytes);
    return room.fill(leaf % 251);
  };
  return { nodes: { read, readInto }, at };
}

test('leaves that are read ahead come in order, each as it is', async () => {
  const { nodes, at } = slowNodes();
  const found: number[] = [];
  for await (const { offsetBytes, ids } of leavesOf(nodes, root, whole)) {
    const leaf = offsetBytes / leafBytes;
    await setImmediate();
    assert.ok(ids.every((byte) => byte === leaf % 251));
    found.push(leaf);
  }
  assert.deepEqual(found, placesWithData);
  assert.ok(at.most > 4 && at.most <= 9, `${at.most} at once`);
});

test('only leaves of the range are read', async () => {
  const { nodes, at } = slowNodes();
  const range = { offsetBytes: 100 * leafBytes, lengthBytes: leafBytes };
  const found: number[] = [];
  for await (const { offsetBytes } of leavesOf(nodes, root, range)) found.push(offsetBytes);
  assert.deepEqual(found, [100 * leafBytes]);
  assert.equal(at.most, 1);
});

test('a leaf that cannot be read is told at its turn, and nothing is under way then', async () => {
  const { nodes, at } = slowNodes({ damaged: 50 });
  let reached = 0;
  const walk = async (): Promise<void> => {
    for await (const { offsetBytes } of leavesOf(nodes, root, whole)) {
      reached = offsetBytes / leafBytes;
    }
  };
  await assert.rejects(walk, { code: 'corrupt' });
  assert.equal(reached, 49);
  assert.equal(at.once, 0);
});

test('nothing is under way when somebody has seen enough', async () => {
  const { nodes, at } = slowNodes({ damaged: 5 });
  for await (const { offsetBytes } of leavesOf(nodes, root, whole)) {
    assert.equal(offsetBytes, leafBytes);
    break;
  }
  assert.equal(at.once, 0);
});

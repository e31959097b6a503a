import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import { blockBytes } from './block.ts';
import type { Manifest } from './manifest.ts';
import { assertRestores, backUpModel, factsOf, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import type { Piece } from './writer.ts';

const wrappingKey = randomBytes(32);
const blocks = 2100;

/** Writes one sector into each given block, and backs up just these, with masks. */
async function backUpSectors(
  repository: Repository,
  volume: ModelVolume,
  parent: Manifest,
  changes: ReadonlyMap<number, number>,
): Promise<Manifest> {
  const { lengthBytes } = volume;
  const writer = await repository.openWriter({ lengthBytes, parent });
  const left = [...changes.keys()].sort((a, b) => a - b);
  for (let batch = left.splice(0, 16); batch.length > 0; batch = left.splice(0, 16)) {
    const chunk = await writer.reserve();
    const pieces = batch.map((block, n): Piece => {
      const sector = changes.get(block) ?? 0;
      volume.write(block * 16 + sector, 1, 1_000_000 + block * 40 + sector * 7 + blocks);
      volume.readBlock(block, chunk.bytes.subarray(n * blockBytes, (n + 1) * blockBytes));
      const changed = Uint16Array.of(1 << sector);
      return { offsetBytes: block * blockBytes, lengthBytes: blockBytes, changed };
    });
    writer.submit(chunk, pieces);
  }
  return writer.commit(factsOf(parent));
}

test('patches grow from the maps alone: no block is read for them', async () => {
  const store = new FaultyStore(new MemoryStore('memory:test'));
  await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, { wrappingKey, workers: 2 });
  try {
    const volume = new ModelVolume(blocks);
    for (let block = 0; block < blocks; block += 1) volume.write(block * 16, 16, 1 + block * 40);
    let parent = await backUpModel(repository, volume);
    const everyTenth = Array.from({ length: blocks / 10 }, (_, n) => n * 10);
    for (let round = 0; round < 8; round += 1) {
      const before = store.operations.length;
      parent = await backUpSectors(
        repository,
        volume,
        parent,
        new Map(everyTenth.map((block) => [block, round * 2])),
      );
      const gets = store.operations.slice(before).filter(({ verb }) => verb === 'get');
      // Manifest, map nodes, and for the last round's pack its trailer and directory.
      assert.ok(gets.length <= 8, `${gets.length} reads in round ${round}`);
      assert.equal(parent.statistics.blocksNew, everyTenth.length);
      await assertRestores(repository, parent, volume);
    }
    const { bytesStored } = parent.statistics;
    assert.ok(bytesStored < everyTenth.length * blockBytes, 'eight sectors make a patch');
    const ninth = new Map(everyTenth.map((block) => [block, 1]));
    const whole = await backUpSectors(repository, volume, parent, ninth);
    assert.ok(whole.statistics.blocksNew > 0);
    await assertRestores(repository, whole, volume);
  } finally {
    await repository.close();
  }
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newHexId } from '../base/ids.ts';
import { BlockIndex } from './block-index.ts';
import { type BlockKind, blockKinds, idBytes } from './block.ts';
import type { PackContent } from './index-format.ts';
import { DirectoryBuilder } from './pack-format.ts';

const id = Buffer.alloc(idBytes, 1);
const baseId = Buffer.alloc(idBytes, 2);

function packOf(kind: BlockKind): PackContent {
  const directory = new DirectoryBuilder();
  directory.add(kind, id, 500, kind === blockKinds.patch ? { id: baseId, mask: 1 } : undefined);
  return { packId: newHexId(), sizeBytes: 1000, directory: directory.bytes() };
}

describe('the index of blocks', () => {
  const { whole, patch } = blockKinds;
  for (const kinds of [
    [whole, patch],
    [patch, whole],
  ]) {
    it(`finds the whole of a block that is stored twice, loaded as ${kinds.join(', ')}`, () => {
      const index = new BlockIndex();
      // Two backups stored it at the same time; others may have patches on the whole one.
      const packs = kinds.map((kind) => index.add(packOf(kind)));
      assert.equal(index.find(id)?.kind, whole);
      assert.equal(index.find(id)?.pack, packs[kinds.indexOf(whole)]?.number);
    });
  }
});

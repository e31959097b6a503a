import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '../base/assert.ts';
import { isOperatingError } from '../base/errors.ts';
import { MemoryStore } from '../store/memory.ts';
import { blockBytes, blockKinds, idBytes } from './block.ts';
import { readHeader } from './header.ts';
import { backUpModel, ModelVolume } from './model-volume.ts';
import { DirectoryBuilder, encodeTrailer, entriesOf, packIdOf } from './pack-format.ts';
import { readPackContent } from './pack-read.ts';
import { createRepository, openRepository } from './repository.ts';
import { blockLabel, objectLabel, seal } from './seal.ts';

const wrappingKey = Buffer.alloc(32, 4);

test('other bytes sealed under the id of a block are damage, and never data', async (t) => {
  const store = new MemoryStore('memory:test');
  await createRepository(store, { wrappingKey });
  const first = await openRepository(store, { wrappingKey, workers: 1 });
  const volume = new ModelVolume(1);
  volume.write(0, 16, 100);
  const manifest = await backUpModel(first, volume);
  await first.close();
  const keys = await readHeader(store, { wrappingKey });
  const [name, pack] = must(
    [...store.objects].find(([each]) => each.startsWith('packs/')),
    'the pack',
  );
  const packId = must(packIdOf(name), 'its id');
  const { directory } = await readPackContent(store, keys, { packId, sizeBytes: pack.length });
  const forged = new DirectoryBuilder();
  const sealedBlocks: Uint8Array[] = [];
  for (const { kind, idAt, offsetBytes, lengthBytes } of entriesOf(directory, name)) {
    const id = directory.subarray(idAt, idAt + idBytes);
    const sealed =
      kind === blockKinds.whole
        ? seal(keys.blockKey(id[0] ?? 0), blockLabel(kind, id), Buffer.alloc(blockBytes, 'other'))
        : pack.subarray(offsetBytes, offsetBytes + lengthBytes);
    forged.add(kind, id, sealed.length, undefined);
    sealedBlocks.push(sealed);
  }
  const label = objectLabel('directory', packId);
  const end = seal(keys.objectKey('directory'), label, forged.bytes());
  store.objects.set(name, Buffer.concat([...sealedBlocks, end, encodeTrailer(end.length)]));

  const repository = await openRepository(store, { wrappingKey, workers: 1 });
  t.after(() => repository.close());
  const reader = await repository.openReader(manifest);
  const restoring = reader.restore(async () => assert.fail('nothing is handed out'));
  await assert.rejects(restoring, (error) => isOperatingError(error, 'corrupt'));
  reader.close();
  const { backups } = await repository.verify('all', 'blocks');
  assert.equal(backups[0]?.backupId, manifest.backupId);
});

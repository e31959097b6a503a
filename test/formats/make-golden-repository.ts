/**
 * Makes the repository that pins the format. Nonces and ids are random, so that it cannot be made
 * again to the byte: `test/formats/golden-repository/` was written once, and must stay readable. To
 * write another after an intended change of the format:
 * `node scripts/run.mjs test/formats/make-golden-repository.ts FOLDER`.
 */
import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { mkdir } from 'node:fs/promises';
import { blockBytes, sectorBytes } from '../../src/repository/block.ts';
import { readHeader } from '../../src/repository/header.ts';
import { factsOf } from '../../src/repository/model-volume.ts';
import { createRepository, openRepository } from '../../src/repository/repository.ts';
import { addPassphrase } from '../../src/repository/wrapped-keys.ts';
import { openStoreRoot } from '../../src/store/open-root.ts';

export const goldenKey = Buffer.alloc(32, 7);
export const goldenPassphrase = 'golden passphrase é';
export const goldenBackups = {
  full: '00000000-0000-4000-8000-00000000000a',
  incremental: '00000000-0000-4000-8000-00000000000b',
} as const;

const blocks = 1030;
/** Two leaves, and a last block that is short. */
export const goldenLengthBytes = (blocks - 1) * blockBytes + 5000;

/** What each backup holds; zeros everywhere else. */
export function goldenContent(name: keyof typeof goldenBackups): Buffer {
  const content = Buffer.alloc(goldenLengthBytes);
  const fill = (block: number, text: string): void => {
    const end = Math.min((block + 1) * blockBytes, goldenLengthBytes);
    content.fill(text, block * blockBytes, end);
  };
  for (const block of [0, 1, 5, 1023, 1024]) fill(block, `block ${block}; `);
  // One that does not shrink, and is sealed as it is.
  for (let at = 0; at < blockBytes; at += 32) {
    createHash('sha256')
      .update(`noise ${at}`)
      .digest()
      .copy(content, 7 * blockBytes + at);
  }
  fill(blocks - 1, 'the end; ');
  if (name === 'full') return content;
  content.fill('patched; ', blockBytes + 3 * sectorBytes, blockBytes + 4 * sectorBytes);
  content.fill('patched; ', 7 * blockBytes, 7 * blockBytes + sectorBytes);
  content.fill(0, 5 * blockBytes, 6 * blockBytes);
  fill(600, 'block 0; ');
  return content;
}

async function make(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const store = await openStoreRoot(pathToFileURL(folder).href).open('golden', { create: true });
  await createRepository(store, { wrappingKey: goldenKey });
  const keys = await readHeader(store, { wrappingKey: goldenKey });
  await addPassphrase(store, keys, goldenPassphrase, { logN: 10, r: 8, p: 1 });
  const open = { wrappingKey: goldenKey, workers: 1, packBytes: 96 * 1024, packsPerIndex: 2 };
  const repository = await openRepository(store, open);
  let parent;
  for (const name of ['full', 'incremental'] as const) {
    const options = { lengthBytes: goldenLengthBytes, ...(parent === undefined ? {} : { parent }) };
    const content = goldenContent(name);
    const writer = await repository.openWriter(options);
    for (let block = 0; block < blocks; block += 1) {
      const offsetBytes = block * blockBytes;
      const lengthBytes = Math.min(blockBytes, goldenLengthBytes - offsetBytes);
      const chunk = await writer.reserve();
      content.copy(chunk.bytes, 0, offsetBytes, offsetBytes + lengthBytes);
      writer.submit(chunk, [{ offsetBytes, lengthBytes }]);
    }
    const made = await writer.commit(factsOf(parent, goldenBackups[name]));
    parent = made;
  }
  await repository.close();
}

if (import.meta.main) await make(process.argv[2] ?? '');

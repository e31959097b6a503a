import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { MiB } from '../../base/bytes.ts';
import { newId } from '../../base/ids.ts';
import { sampleImage } from '../../catalog/sample-rows.ts';
import { callerIn, openScene, type Scene } from '../operation-fixture.ts';
import { byId } from '../scope.ts';
import { deleteImage } from './delete-image.ts';
import { openActiveImage, storeImageData, takeUpImages } from './image-data.ts';

const caller = callerIn('project');

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half');
  throw new Error('the client is gone');
}

async function newImage(scene: Scene): Promise<string> {
  const id = newId();
  await scene.catalog.insert('images', sampleImage({ id }));
  return id;
}

const statusOf = async (scene: Scene, id: string) =>
  (await scene.catalog.find('images', byId(id)))?.status;

test('an upload that breaks off leaves nothing, and can be made again', async (t) => {
  const scene = await openScene(t);
  const id = await newImage(scene);
  await assert.rejects(storeImageData(scene, id, broken()), /the client is gone/);
  const large = { sizeMaxBytes: 3 };
  await assert.rejects(storeImageData(scene, id, chunks('12', '34'), large), {
    code: 'body_too_large',
  });
  assert.deepEqual([await statusOf(scene, id), await scene.images.list()], ['queued', []]);
  await assert.rejects(openActiveImage(scene, caller, id), { code: 'invalid_state' });
  const row = await storeImageData(scene, id, chunks('who', 'le'));
  assert.deepEqual([row.status, row.sizeBytes], ['active', 5]);
  const { file } = await openActiveImage(scene, caller, id);
  assert.equal((await file.read(1, 100)).toString(), 'hole');
  assert.equal((await file.read(100, 100)).length, 0);
  await deleteImage(scene, caller, id);
  assert.equal((await file.read(0, 5)).toString(), 'whole', 'who reads goes on');
  await file.close();
});

test('zeros in the data are holes on the disk', async (t) => {
  const scene = await openScene(t);
  const id = await newImage(scene);
  async function* sparse(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('head');
    for (let n = 0; n < 32; n += 1) yield Buffer.alloc(MiB);
    yield Buffer.from('tail');
    yield Buffer.alloc(MiB);
  }
  await storeImageData(scene, id, sparse());
  const { row, file } = await openActiveImage(scene, caller, id);
  assert.equal(row.sizeBytes, 33 * MiB + 8);
  const whole = await file.read(0, 33 * MiB + 8);
  await file.close();
  assert.equal(createHash('md5').update(whole).digest('hex'), row.checksum);
  const { blocks } = await stat(join(scene.journalFolder, 'images', id));
  assert.ok(blocks * 512 < MiB, `${blocks} blocks of 512 bytes`);
});

test('one upload at a time; an image that is deleted meanwhile leaves nothing', async (t) => {
  const scene = await openScene(t);
  const id = await newImage(scene);
  async function* meddling(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a');
    await assert.rejects(storeImageData(scene, id, chunks('b')), { code: 'conflict' });
    await deleteImage(scene, caller, id);
    yield Buffer.from('c');
  }
  await assert.rejects(storeImageData(scene, id, meddling()), { code: 'not_found' });
  assert.deepEqual(await scene.images.list(), []);
});

test('what a killed process left is taken up at the next start', async (t) => {
  const scene = await openScene(t);
  const [whole, cut, renamed] = [await newImage(scene), await newImage(scene), newId()];
  await storeImageData(scene, whole, chunks('whole'));
  await scene.catalog.change('images', byId(cut), { status: 'saving' });
  for (const id of [cut, renamed]) await scene.images.write(id, chunks('left'));
  await writeFile(join(scene.journalFolder, 'images', `${cut}.1.tmp`), 'half');
  await takeUpImages(scene);
  assert.deepEqual(await scene.images.list(), [whole]);
  assert.deepEqual(
    [await statusOf(scene, whole), await statusOf(scene, cut)],
    ['active', 'queued'],
  );
});

test('images that come at the same time are hashed apart, also an empty one', async (t) => {
  const scene = await openScene(t);
  const texts = ['', 'a', 'b'.repeat(100_000), 'c'];
  const rows = await Promise.all(
    texts.map(async (text) => {
      const parts = text === '' ? [] : [text.slice(0, 1), text.slice(1), text];
      return await storeImageData(scene, await newImage(scene), chunks(...parts));
    }),
  );
  const digest = (kind: 'md5' | 'sha512', text: string): string =>
    createHash(kind)
      .update(text + text)
      .digest('hex');
  assert.deepEqual(
    rows.map(({ checksum, hashValue }) => [checksum, hashValue]),
    texts.map((text) => [digest('md5', text), digest('sha512', text)]),
  );
});

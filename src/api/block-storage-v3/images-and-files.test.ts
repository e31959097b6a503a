/** Volumes of images and of files, and back. */
import assert from 'node:assert/strict';
import { mkdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { newId } from '../../base/ids.ts';
import { createImage } from '../../operation/image/create-image.ts';
import { storeImageData } from '../../operation/image/image-data.ts';
import { max, type Scene } from '../../operation/operation-fixture.ts';
import { readAt, writeAt } from '../../operation/requests-fixture.ts';
import { alpha, listIn, objectIn, openStorage, textIn, type Storage } from './storage-fixture.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
const asAdmin = (storage: Storage, method: Method, path: string, body?: object) =>
  storage.ask({
    who: 'ann',
    method,
    path,
    microversion: '3.71',
    ...(body === undefined ? {} : { body }),
  });

async function makeImage(scene: Scene, format: string, content: Buffer): Promise<string> {
  const image = await createImage(
    scene,
    { ...max, projectId: alpha },
    {
      id: undefined,
      name: 'system',
      visibility: 'private',
      properties: { disk_format: format, container_format: 'bare', hw_disk_bus: 'virtio' },
    },
  );
  await storeImageData(
    scene,
    image.id,
    (async function* () {
      yield content;
    })(),
  );
  return image.id;
}

async function makeVolume(storage: Storage, fields: object): Promise<string> {
  const body = { volume: { size: 1, ...fields } };
  const made = await storage.ask({ method: 'POST', path: '/volumes', body });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  await storage.scene.work();
  return textIn(objectIn(made.body, 'volume'), 'id');
}

const shown = async (storage: Storage, id: string) =>
  objectIn((await storage.ask({ who: 'ann', path: `/volumes/${id}` })).body, 'volume');

const act = (storage: Storage, id: string, body: object, who = 'ann') =>
  storage.ask({
    who,
    method: 'POST',
    path: `/volumes/${id}/action`,
    body,
    microversion: '3.71',
  });

test('a volume begins as an image, and can be made one again', async (t) => {
  const storage = await openStorage(t);
  const { scene } = storage;
  await scene.images.prepare();
  const content = Buffer.alloc(300_000);
  content.write('begin', 0);
  content.write('end', 299_990);
  const imageId = await makeImage(scene, 'raw', content);
  const id = await makeVolume(storage, { imageRef: imageId });
  const volume = await shown(storage, id);
  assert.deepEqual([volume['status'], volume['bootable']], ['available', 'true']);
  const metadata = objectIn(volume, 'volume_image_metadata');
  assert.deepEqual(
    [metadata['image_id'], metadata['image_name'], metadata['hw_disk_bus']],
    [imageId, 'system', 'virtio'],
  );
  assert.equal(await readAt(scene, id, 299_990, 3), 'end');

  await writeAt(scene, id, 0, 'other');
  await writeAt(scene, id, 900_000_000, 'far');
  assert.equal((await act(storage, id, { 'os-reimage': { image_id: imageId } })).status, 202);
  assert.equal((await shown(storage, id))['status'], 'downloading');
  await scene.work();
  assert.equal((await shown(storage, id))['status'], 'available');
  assert.equal(await readAt(scene, id, 0, 5), 'begin');
  assert.equal(await readAt(scene, id, 900_000_000, 3), '\0\0\0');
});

test('an image that no volume can be made of is refused', async (t) => {
  const storage = await openStorage(t);
  await storage.scene.images.prepare();
  const vmdk = await makeImage(storage.scene, 'vmdk', Buffer.from('x'));
  const create = (imageRef: string) =>
    storage.ask({ method: 'POST', path: '/volumes', body: { volume: { size: 1, imageRef } } });
  assert.match(JSON.stringify((await create(vmdk)).body), /made of raw and qcow2/);
  assert.equal((await create(newId())).status, 404);
  assert.match(JSON.stringify((await create('no such')).body), /Invalid image identifier/);
  const caller = { ...max, projectId: alpha };
  const rest = { id: undefined, name: null, visibility: 'private' as const };
  const queued = await createImage(storage.scene, caller, {
    ...rest,
    properties: { disk_format: 'raw' },
  });
  assert.match(JSON.stringify((await create(queued.id)).body), /is not active/);
  const raw = await makeImage(storage.scene, 'raw', Buffer.from('x'));
  const image = { id: raw, projectId: alpha };
  await storage.scene.catalog.change('images', image, { name: 'debian' });
  const named = objectIn((await create('debian')).body, 'volume');
  const row = await storage.scene.catalog.find('volumes', {
    id: textIn(named, 'id'),
    projectId: alpha,
  });
  assert.equal(row?.imageId, raw, 'a name that only one image has will do');
});

test('a volume is uploaded as it was at the instant of the request', async (t) => {
  const storage = await openStorage(t);
  const { scene } = storage;
  await scene.images.prepare();
  const id = await makeVolume(storage, { name: 'disk' });
  await writeAt(scene, id, 5000, 'then');
  const upload = { 'os-volume_upload_image': { image_name: 'copy', disk_format: 'raw' } };
  const asked = await act(storage, id, upload, 'max');
  assert.equal(asked.status, 202, JSON.stringify(asked.body));
  const imageId = textIn(objectIn(asked.body, 'os-volume_upload_image'), 'image_id');
  assert.equal((await shown(storage, id))['status'], 'uploading');
  await writeAt(scene, id, 5000, 'late');
  await scene.work();
  assert.equal((await shown(storage, id))['status'], 'available');
  const file = await scene.images.open(imageId);
  assert.equal(file.sizeBytes, 1024 ** 3);
  assert.equal((await file.read(5000, 4)).toString(), 'then');
  await file.close();
  const image = await scene.catalog.find('images', { id: imageId, projectId: alpha });
  assert.equal(image?.status, 'active');
  const bad = { 'os-volume_upload_image': { image_name: 'x', disk_format: 'vmdk' } };
  assert.equal((await act(storage, id, bad, 'max')).status, 400);
});

test('a raw file is adopted as a volume, and a volume let go as a file', async (t) => {
  const storage = await openStorage(t);
  const { scene } = storage;
  const folder = join(scene.journalFolder, 'adoption');
  await writeFile(join(folder, 'disk.raw'), 'hello');
  await truncate(join(folder, 'disk.raw'), 1024 ** 3 + 1);
  await mkdir(join(folder, 'sub'));
  await symlink('/etc/passwd', join(folder, 'link'));
  const host = 'firn@layers#layers';
  const query = `?host=${encodeURIComponent(host)}`;
  const listed = await asAdmin(storage, 'GET', `/manageable_volumes/detail${query}`);
  assert.deepEqual(listIn(listed.body, 'manageable-volumes'), [
    {
      reference: { 'source-name': 'disk.raw' },
      size: 2,
      safe_to_manage: true,
      cinder_id: null,
      reason_not_safe: null,
      extra_info: null,
    },
  ]);
  const manage = (name: string, fields: object = {}) =>
    asAdmin(storage, 'POST', '/manageable_volumes', {
      volume: { host, ref: { 'source-name': name }, ...fields },
    });
  for (const bad of ['link', 'sub', '../x', '..', '.', '/etc/passwd', 'none']) {
    assert.equal((await manage(bad)).status, 400, bad);
  }
  assert.equal((await manage('disk.raw', { host: 'elsewhere' })).status, 400);
  const made = await manage('disk.raw', { name: 'adopted', bootable: true });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  await scene.work();
  const id = textIn(objectIn(made.body, 'volume'), 'id');
  const volume = await shown(storage, id);
  assert.deepEqual([volume['status'], volume['size'], volume['name']], ['available', 2, 'adopted']);
  assert.equal(await readAt(scene, id, 0, 5), 'hello');
  assert.match(JSON.stringify((await manage('disk.raw')).body), /already managed as/);
  const again = await asAdmin(storage, 'GET', `/manageable_volumes${query}`);
  assert.equal(listIn(again.body, 'manageable-volumes')[0]?.['safe_to_manage'], false);

  assert.equal((await act(storage, id, { 'os-unmanage': null })).status, 202);
  await scene.work();
  assert.equal((await storage.ask({ who: 'ann', path: `/volumes/${id}` })).status, 404);
  const path = join(folder, `volume-${id}.raw`);
  assert.equal((await stat(path)).size, 2 * 1024 ** 3);
  assert.ok((await stat(path)).blocks < 10_000, 'holes stay holes');
  const file = await readFile(join(folder, 'disk.raw')).then((bytes) => bytes.subarray(0, 5));
  assert.equal(file.toString(), 'hello');
  assert.equal((await storage.ask({ path: `/manageable_volumes${query}` })).status, 404);
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { hookedFileOperations, systemError } from './failing-files.ts';
import { openVolumeEngine } from './open-engine.ts';
import { VolatileFiles } from './volatile-files.ts';
import { copyFolder } from './copy-folder-fixture.ts';

const sector = 4 * KiB;

for (const flushes of [false, true]) {
  const how = flushes ? 'flushed and then' : 'only';
  test(`heads that no record names are taken over after a kill, ${how} written`, async () => {
    const parent = await mkdtemp(join(tmpdir(), 'firn-kill-'));
    try {
      const folder = join(parent, 'volumes');
      let isFull = false;
      const hooked = hookedFileOperations((operation, path) => {
        if (isFull && operation === 'writeDurably' && path.endsWith('v.json')) {
          throw systemError('ENOSPC');
        }
      });
      const files = new VolatileFiles(hooked);
      const engine = await openVolumeEngine({ folder, fs: files.operations });
      await engine.createVolume({ volumeId: 'v', lengthBytes: MiB });
      const device = await engine.openVolume('v');
      await device.write(0, Buffer.alloc(sector, 1));
      isFull = true;
      for (const [at, snapshotId] of ['a', 'b'].entries()) {
        const wanted = [{ volumeId: 'v', snapshotId }];
        await assert.rejects(engine.createSnapshots(wanted), { code: 'no_space' });
        await device.write((at + 1) * sector, Buffer.alloc(sector, at + 2));
      }
      // The layers become durable, and the record that is to name them does not.
      if (flushes) await assert.rejects(device.flush());
      const copy = `${folder}-after`;
      copyFolder(folder, copy);
      const after = files.afterKill(folder, copy);
      isFull = false;
      await device.close().catch(() => undefined);
      await engine.close();
      const again = await openVolumeEngine({ folder: copy, fs: after.operations });
      await again.settled();
      const found = Buffer.alloc(3 * sector);
      const opened = await again.openVolume('v');
      await opened.read(0, found);
      assert.deepEqual([found[0], found[sector], found[2 * sector]], [1, 2, 3]);
      await opened.flush();
      const cut = `${folder}-cut`;
      copyFolder(copy, cut);
      after.cutPower(copy, cut, () => true);
      await opened.close();
      await again.close();
      const last = await openVolumeEngine({ folder: cut });
      const device3 = await last.openVolume('v');
      await device3.read(0, found);
      assert.deepEqual([found[0], found[sector], found[2 * sector]], [1, 2, 3]);
      await device3.close();
      await last.close();
    } finally {
      await rm(parent, { recursive: true });
    }
  });
}

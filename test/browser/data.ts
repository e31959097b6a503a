/** Real data for the dashboard's tests. */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { assert } from '../../src/base/assert.ts';
import type { Scene } from '../firn.ts';
import { root } from '../source-files.ts';

const MiB = 2 ** 20;

/**
 * A volume of 1 GiB whose first part is random; returns its id. With a size, random pieces are
 * spread over the whole of it, and what lies between is data that packs well.
 */
export async function fillVolume(
  scene: Scene,
  options: { name: string; randomMiB: number; sizeGiB?: number },
): Promise<string> {
  const { name, randomMiB, sizeGiB } = options;
  const path = join(scene.folder, `${name}.raw`);
  const file = await open(path, 'w');
  await file.truncate((sizeGiB ?? 1) * 1024 * MiB);
  const filledMiB = sizeGiB === undefined ? randomMiB : sizeGiB * 1024;
  const step = Math.floor(filledMiB / randomMiB);
  for (let done = 0; done < filledMiB; done += 1) {
    const bytes = done % step === 0 ? randomBytes(MiB) : Buffer.alloc(MiB, `part ${done} `);
    await file.write(bytes, 0, MiB, done * MiB);
  }
  await file.close();
  const command = ['bin/firn.ts', '--data', scene.dataFolder, 'volume', 'import', path];
  const child = spawn(process.execPath, [...command, '--name', options.name], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = await once(child, 'exit');
  assert(status === 0, 'the import succeeds');
  const made = (await Array.fromAsync(scene.client.volumes.list())).find(
    ({ name }) => name === options.name,
  );
  assert(made !== undefined, 'the volume is there');
  return made.id;
}

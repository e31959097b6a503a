import { open, rm } from 'node:fs/promises';
import { fromSystemError } from '../base/errors.ts';
import type { NbdClient } from '../client/nbd.ts';
import type { Context } from './context.ts';
import { copyOut } from './copy-pieces.ts';
import { Progress } from './progress.ts';

/**
 * Writes what an export holds into a new raw image file, which is gone again when that fails.
 * `connect` runs the work on the export's bytes.
 */
export async function exportToFile(
  context: Context,
  to: { path: string; name: string },
  connect: (work: (device: NbdClient) => Promise<void>) => Promise<void>,
): Promise<void> {
  const { path, name } = to;
  await using file = await open(path, 'wx').catch((error: unknown) => {
    throw fromSystemError(error, `${path} cannot be made`);
  });
  const progress = new Progress(context.stderr, `export of ${name}`);
  try {
    await connect((device) =>
      copyOut(device, file, (bytesDone) => progress.show(bytesDone, device.lengthBytes)),
    ).finally(() => progress.end());
  } catch (error) {
    await rm(path, { force: true });
    throw fromSystemError(error, `${path} cannot be written`);
  }
}

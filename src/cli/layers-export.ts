import { formatBytes } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import { copyImage } from '../inspect/export-image.ts';
import type { ByteRange } from '../inspect/finding.ts';
import type { ImageSource } from '../inspect/image-source.ts';
import { openImageSource } from '../inspect/image-source.ts';
import type { AddCommand, Context } from './context.ts';
import { writeImageFile, writeImageStream } from './image-file.ts';
import { rangesLine } from './layers-findings.ts';
import { orCannotRun, volumesFolder } from './layers-folder.ts';
import { Progress } from './progress.ts';

interface ExportOptions {
  readonly layer?: string;
  readonly force?: boolean;
}

export const layersExport: AddCommand = (parent, context) => {
  parent
    .command('export')
    .description('write what a volume or snapshot holds as a raw image, without a server')
    .argument('[name]', 'id of a volume or snapshot; left out with --layer')
    .argument('[file]', 'must not be there yet; - is standard output')
    .option('--layer <ID>', 'what a volume would hold whose head is this layer')
    .option('--force', 'write zeros for what is lost, and leave out unflushed writes; says so')
    .action(async (first, second, options: ExportOptions, command) => {
      const [name, path] = targets(first, second, options.layer);
      const place = await orCannotRun(context, () => volumesFolder(context, command));
      if (place.isInUse && options.force !== true) {
        throw new OperatingError(
          'conflict',
          `a running Firn changes ${place.folder} meanwhile: use "firn volume export", or stop it`,
        );
      }
      const source = await openImageSource(place.folder, name, options.layer !== undefined);
      const isWhole = source.chain.layers.every(({ backing }) => backing === undefined);
      if (!isWhole && options.force !== true) throw notWhole(name);
      if (source.isBehind && options.force !== true) throw behind(name);
      const lost = await copyImage(source, undefined, () => undefined);
      if (lost.length > 0 && options.force !== true) throw incomplete(name, lost);
      const found = await writeOut(context, source, name, path, options.force === true);
      if (source.isBehind) {
        context.stderr.write(
          'Writes that were answered and not flushed are missing in the image.\n',
        );
      }
      if (found.length === 0) return;
      context.stderr.write(`Lost, and zeros in the image: ${rangesLine(found)}\n`);
    });
};

function targets(
  first: string | undefined,
  second: string | undefined,
  layer: string | undefined,
): [name: string, path: string] {
  const [name, path] = layer === undefined ? [first, second] : [layer, first];
  if (name !== undefined && path !== undefined && (layer === undefined || second === undefined)) {
    return [name, path];
  }
  throw new OperatingError(
    'invalid_input',
    'name a volume or snapshot and a file, or --layer ID and a file',
  );
}

async function writeOut(
  context: Context,
  source: ImageSource,
  name: string,
  path: string,
  force: boolean,
): Promise<readonly ByteRange[]> {
  const progress = new Progress(context.stderr, `export of ${name}`);
  const copy = async (sink: Parameters<typeof copyImage>[1]): Promise<readonly ByteRange[]> => {
    const lost = await copyImage(source, sink, (done) => progress.show(done, source.lengthBytes));
    if (lost.length > 0 && !force) throw incomplete(name, lost);
    return lost;
  };
  try {
    return await (path === '-'
      ? writeImageStream(context.stdout, copy)
      : writeImageFile(path, source.lengthBytes, copy));
  } finally {
    progress.end();
  }
}

function notWhole(name: string): OperatingError {
  return new OperatingError(
    'invalid_state',
    `${name} is still being filled from a backup: start Firn until all of it is there ` +
      '(--force writes zeros for what is not)',
  );
}

function behind(name: string): OperatingError {
  return new OperatingError(
    'invalid_state',
    `Firn was killed, and writes to ${name} that were answered and not flushed would be missing: ` +
      'start and stop Firn once first (--force leaves them out)',
  );
}

function incomplete(name: string, lost: readonly ByteRange[]): OperatingError {
  const bytes = lost.reduce((sum, range) => sum + range.lengthBytes, 0);
  return new OperatingError(
    'corrupt',
    `${formatBytes(bytes)} of ${name} are lost (${rangesLine(lost)}); ` +
      '--force writes zeros for them',
  );
}

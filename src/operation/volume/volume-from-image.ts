/** Images as the source of volumes. */
import { OperatingError } from '../../base/errors.ts';
import { isUuid } from '../../base/ids.ts';
import { type CatalogReader, everyProject } from '../../catalog/catalog.ts';
import type { ImageRow, Metadata, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { VolumeEngine } from '../../volume/engine.ts';
import type { JobContext } from '../../job/job.ts';
import { fillVolume, gibFor, type DiskContent, type Readable } from '../disk/disk-content.ts';
import { qcow2Disk } from '../disk/qcow2-disk.ts';
import { rawDisk } from '../disk/raw-disk.ts';
import { findImage, isVisible } from '../image/image-access.ts';
import type { OperationNeeds } from '../needs.ts';
import { invalidInput } from './find-volume.ts';

/** Formats whose bytes are those of the disk; others are refused. */
const rawFormats: readonly unknown[] = ['raw', 'iso'];
const formats: readonly unknown[] = [...rawFormats, 'qcow2'];

/** Of all projects; a caller sees few of them. */
const namesakesMax = 1000;

/** The image that a client names by id or name, if a volume can be made of it. */
export async function findImageSource(
  reader: CatalogReader,
  caller: Caller,
  idOrName: string,
): Promise<ImageRow> {
  authorize(caller, 'volume:create_from_image');
  const image = isUuid(idOrName)
    ? await findImage(reader, caller, idOrName)
    : await imageNamed(reader, caller, idOrName);
  if (image.status !== 'active') {
    throw new OperatingError('invalid_state', `Invalid image: Image ${image.id} is not active.`);
  }
  if (formats.includes(image.properties['disk_format'])) return image;
  throw invalidInput(
    `Image ${image.id} has the disk format ${textOf(image.properties['disk_format'])}: volumes ` +
      'are made of raw and qcow2.',
    'imageRef',
  );
}

async function imageNamed(reader: CatalogReader, caller: Caller, name: string): Promise<ImageRow> {
  const rows = await reader.list('images', {
    where: { projectId: everyProject, name },
    limit: namesakesMax,
  });
  const [image, ...others] = rows.filter((row) => isVisible(row, caller));
  if (image !== undefined && others.length === 0) return image;
  const message = 'Invalid image identifier or unable to access requested image.';
  throw new OperatingError('invalid_input', message, { field: 'imageRef' });
}

/** Rejects a size that the image, or what it says that it needs, does not fit in. */
export function demandFits(image: ImageRow, sizeGiB: number): void {
  const least = gibFor(image.virtualSizeBytes ?? image.sizeBytes ?? 0);
  if (sizeGiB < least) {
    throw invalidInput(
      `Size of specified image ${least}GB is larger than volume size ${sizeGiB}GB.`,
      'size',
    );
  }
  const minDisk = Number(image.properties['min_disk'] ?? 0);
  if (sizeGiB < minDisk) {
    throw invalidInput(
      `Volume size ${sizeGiB}GB cannot be smaller than the image minDisk size ${minDisk}GB.`,
      'size',
    );
  }
}

/** What a volume keeps of its image, in texts, as hypervisors look for it there. */
export function imageMetadataOf(image: ImageRow): Metadata {
  const own = Object.entries(image.properties).filter(([, value]) => typeof value !== 'object');
  return {
    ...Object.fromEntries(own.map(([key, value]) => [key, textOf(value)])),
    image_id: image.id,
    image_name: image.name ?? '',
    checksum: image.checksum ?? '',
    size: String(image.sizeBytes ?? 0),
    min_disk: textOf(image.properties['min_disk'] ?? 0),
    min_ram: textOf(image.properties['min_ram'] ?? 0),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** Writes the image's disk to the volume. */
export async function fillFromImage(
  { engine, images }: Pick<OperationNeeds, 'images'> & { engine: VolumeEngine },
  volume: VolumeRow,
  source: { imageId: string; isQcow2: boolean; clear: boolean },
  context: JobContext,
): Promise<void> {
  const file = await images.open(source.imageId);
  try {
    const content = await contentOf(file, source.isQcow2);
    if (gibFor(content.lengthBytes) > volume.size) {
      throw new OperatingError('invalid_input', 'The image is larger than the volume.');
    }
    const { signal } = context;
    const progress = context.progress.bind(context);
    const filling = { volumeId: volume.id, content, clear: source.clear, signal, progress };
    await fillVolume(engine, filling);
  } finally {
    await file.close();
  }
}

async function contentOf(file: Readable, isQcow2: boolean): Promise<DiskContent> {
  return isQcow2 ? await qcow2Disk(file) : rawDisk(file);
}

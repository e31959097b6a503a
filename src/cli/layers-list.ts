import { formatBytes } from '../base/bytes.ts';
import type { FolderListing, ListedLayer } from '../inspect/list.ts';
import { listFolder } from '../inspect/list.ts';
import type { AddCommand } from './context.ts';
import { orCannotRun, volumesFolder, warnInUse } from './layers-folder.ts';
import { printAligned, printJson, wantsJson } from './print.ts';

export const layersList: AddCommand = (parent, context) => {
  parent
    .command('list')
    .description('list volumes, snapshots and layers of a data folder, without a server')
    .action(async (_options, command) => {
      const place = await orCannotRun(context, () => volumesFolder(context, command));
      warnInUse(context, place);
      const listing = await orCannotRun(context, () => listFolder(place.folder));
      if (wantsJson(command)) {
        printJson(context.stdout, { folder: place.folder, ...listing });
        return;
      }
      printAligned(context.stdout, volumeRows(listing));
      if (listing.volumes.some((volume) => volume.snapshots.length > 0)) {
        context.stdout.write('\n');
        printAligned(context.stdout, snapshotRows(listing));
      }
      context.stdout.write('\n');
      printAligned(context.stdout, layerRows(listing.layers));
    });
};

const size = (bytes: number | null): string => (bytes === null ? '?' : formatBytes(bytes));

function volumeRows({ volumes }: FolderListing): string[][] {
  const rows = volumes.map((volume) => [
    volume.id,
    size(volume.lengthBytes),
    volume.state,
    String(volume.chain.length),
    String(volume.snapshots.length),
    volume.head ?? '?',
  ]);
  return [['VOLUME', 'SIZE', 'STATE', 'LAYERS', 'SNAPSHOTS', 'HEAD'], ...rows];
}

function snapshotRows({ volumes }: FolderListing): string[][] {
  const rows = volumes.flatMap((volume) =>
    volume.snapshots.map((snapshot) => [
      snapshot.id,
      size(snapshot.lengthBytes),
      volume.id,
      snapshot.createdAt,
      snapshot.layer,
    ]),
  );
  return [['SNAPSHOT', 'SIZE', 'VOLUME', 'CREATED', 'LAYER'], ...rows];
}

/** A layer under its parent; only where several lie on one does the tree grow in width. */
function layerRows(layers: readonly ListedLayer[]): string[][] {
  const prefixes = treePrefixes(layers);
  const rows = layers.map((layer) => [
    `${prefixes.get(layer.id) ?? ''}${layer.id}`,
    layer.isUnflushed ? `${layer.state}, unflushed` : layer.state,
    size(layer.lengthBytes),
    size(layer.dataBytes),
    size(layer.hostBytes),
    namesOf(layer),
  ]);
  return [['LAYER', 'STATE', 'SIZE', 'DATA', 'ON DISK', 'NAMED BY'], ...rows];
}

function namesOf({ names }: ListedLayer): string {
  const shown = names
    .slice(0, 3)
    .map((name) => (name.snapshotId === null ? `volume ${name.volumeId}` : name.snapshotId));
  if (names.length > shown.length) shown.push(`${names.length - shown.length} more`);
  return shown.join(', ') || '-';
}

function treePrefixes(layers: readonly ListedLayer[]): Map<string, string> {
  const children = new Map<string, string[]>();
  for (const { id, parent } of layers) {
    if (parent === null) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [id]);
    else siblings.push(id);
  }
  const prefixes = new Map<string, string>();
  const below = new Map<string, string>();
  for (const { id, parent } of layers) {
    const siblings = (parent === null ? undefined : children.get(parent)) ?? [];
    const indent = (parent === null ? undefined : below.get(parent)) ?? '';
    const isLast = siblings.at(-1) === id;
    prefixes.set(id, siblings.length > 1 ? `${indent}${isLast ? '└─ ' : '├─ '}` : indent);
    below.set(id, siblings.length > 1 ? `${indent}${isLast ? '   ' : '│  '}` : indent);
  }
  return prefixes;
}

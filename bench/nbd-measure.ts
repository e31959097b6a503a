/** Measures one row on one server, with everything around the measurement that is not timed. */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from './command.ts';
import { type FirnServer, type FirnVolume, takeSnapshot } from './nbd-firn.ts';
import { type FioRun, type Load, runCopy, runFio } from './nbd-load.ts';
import { type QemuMode, type QemuServer, startQemuNbd } from './nbd-qemu.ts';
import type { Row, Transport } from './nbd-rows.ts';
import { makeCold, makeHot, syncFiles } from './page-cache.ts';

/** What all rows are measured on. */
export interface Bench {
  readonly folder: string;
  readonly firn: FirnServer;
  readonly volume: FirnVolume;
  /** What the volume was filled with; copies into volumes read it. */
  readonly sourcePath: string;
  /** The peer's copy of it. */
  readonly peerPath: string;
  readonly bytes: number;
}

export interface Timing {
  readonly seconds: number;
  readonly seed: number;
}

/** Operations per second for small blocks, bytes per second for large ones and for copies. */
export async function measureFirn(bench: Bench, row: Row, timing: Timing): Promise<number> {
  const { firn, volume } = bench;
  if (row.afterSnapshot) {
    await takeSnapshot(firn.client, volume.id);
    syncFiles(firn.files());
    // The memory of the peer's former overlay is used again, and so is that of former heads: pages
    // that the host has to hand out first cost more than what is measured.
    makeCold(firn.files().filter((path) => basename(path) === 'data'));
  } else prepareCache(row, [...firn.files(), bench.sourcePath]);
  return await rateOf(bench, row, volume.uri(row.transport), timing);
}

export async function measureQemu(
  bench: Bench,
  row: Row,
  mode: QemuMode,
  timing: Timing,
): Promise<number> {
  const server = row.afterSnapshot
    ? await serveOverlay(bench, mode)
    : await servePeer(bench, mode, row.transport);
  try {
    prepareCache(row, [bench.peerPath, bench.sourcePath]);
    return await rateOf(bench, row, server.uri, timing);
  } finally {
    await server.close();
  }
}

async function servePeer(bench: Bench, mode: QemuMode, transport: Transport): Promise<QemuServer> {
  const { peerPath: path, folder } = bench;
  return await startQemuNbd({ path, format: 'raw', mode, transport, folder });
}

/** A new qcow2 with the usual clusters of 64 KiB; what lies below is on the disk already. */
async function serveOverlay(bench: Bench, mode: QemuMode): Promise<QemuServer> {
  const { folder, peerPath } = bench;
  const path = join(folder, 'overlay.qcow2');
  rmSync(path, { force: true });
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', peerPath, '-F', 'raw', path]);
  syncFiles([peerPath]);
  return await startQemuNbd({ path, format: 'qcow2', mode, transport: 'unix', folder });
}

/** Earlier rows' dirty pages are no burden on a row that reads or flushes. */
function prepareCache({ load, cache }: Row, paths: readonly string[]): void {
  const writesOnly = load.flush !== true && (load.tool === 'nbdcopy' || load.rw.endsWith('write'));
  if (cache === 'cold') makeCold(paths);
  else makeHot(paths);
  if (!writesOnly) syncFiles(paths);
}

async function rateOf(bench: Bench, row: Row, uri: string, timing: Timing): Promise<number> {
  const { load } = row;
  if (load.tool === 'nbdcopy') {
    return bench.bytes / (await runCopy(load, uri, bench.sourcePath));
  }
  const options: FioRun = { uri, bytes: bench.bytes, ...timing, once: row.cache === 'cold' };
  const figures = await runFio(load, options);
  return inBytes(load) ? figures.bytesPerSecond : figures.iops;
}

/** True when a row's rate is counted in bytes rather than operations. */
export function inBytes(load: Load): boolean {
  return load.tool === 'nbdcopy' || load.rw === 'read' || load.rw === 'write';
}

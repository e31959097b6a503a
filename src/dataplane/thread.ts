/** The thread of a data plane: opens it, and answers the calls of the rest of the process. */
import { parentPort } from 'node:worker_threads';
import { createBirpc } from 'birpc';
import { must } from '../base/assert.ts';
import { type BlockDevice, readTogether } from '../volume/block-device.ts';
import type { BackingSource } from '../volume/hydration.ts';
import {
  bytesOf,
  type DeviceFacts,
  type Opening,
  overPort,
  sharedRange,
  type ThreadCalls,
  type ThreadEvents,
  wantedReads,
} from './calls.ts';
import type { DataPlane } from './data-plane.ts';
import { openDataPlane } from './open-data-plane.ts';

const port = must(parentPort, 'this module runs in a thread');

/** Devices that are open for the other side, by the numbers that stand for them. */
class Devices {
  readonly #open = new Map<number, BlockDevice>();
  #last = 0;

  add(device: BlockDevice): DeviceFacts {
    this.#last += 1;
    this.#open.set(this.#last, device);
    return { device: this.#last, lengthBytes: device.lengthBytes, readOnly: device.readOnly };
  }

  get(number: number): BlockDevice {
    return must(this.#open.get(number), 'a device that is open');
  }

  async close(number: number): Promise<void> {
    const device = this.get(number);
    this.#open.delete(number);
    await device.close();
  }
}

function answers(plane: DataPlane): ThreadCalls {
  const { engine, exports } = plane;
  const { hydration } = engine;
  const devices = new Devices();
  return {
    createVolume: (wanted) => engine.createVolume(wanted),
    deleteVolume: (volumeId) => engine.deleteVolume(volumeId),
    extendVolume: (volumeId, lengthBytes) => engine.extendVolume(volumeId, lengthBytes),
    createSnapshots: (wanted) => engine.createSnapshots(wanted),
    beginSnapshots: (wanted) => engine.beginSnapshots(wanted),
    revertVolume: (wanted) => engine.revertVolume(wanted),
    usage: (of) => engine.usage(of),
    spaceMap: (query) => engine.spaceMap(query),
    aliasSnapshot: (wanted) => engine.aliasSnapshot(wanted),
    deleteSnapshot: (snapshotId) => engine.deleteSnapshot(snapshotId),
    findSnapshot: (snapshotId) => engine.findSnapshot(snapshotId),
    changedExtents: (wanted) => engine.changedExtents(wanted),
    openVolume: async (volumeId) => devices.add(await engine.openVolume(volumeId)),
    openSnapshot: async (snapshotId) => devices.add(await engine.openSnapshot(snapshotId)),
    read: (device, offsetBytes, into) => devices.get(device).read(offsetBytes, bytesOf(into)),
    readAll: (device, reads) => readTogether(devices.get(device), wantedReads(reads)),
    write: (device, offsetBytes, from) => devices.get(device).write(offsetBytes, bytesOf(from)),
    zero: (device, offsetBytes, lengthBytes) => devices.get(device).zero(offsetBytes, lengthBytes),
    trim: (device, offsetBytes, lengthBytes) => devices.get(device).trim(offsetBytes, lengthBytes),
    flush: (device) => devices.get(device).flush(),
    extents: (device, offsetBytes, lengthBytes) =>
      devices.get(device).extents(offsetBytes, lengthBytes),
    closeDevice: (device) => devices.close(device),
    backedLayers: () => hydration.backedLayers(),
    missing: (layerId, offsetBytes) => hydration.missing(layerId, offsetBytes),
    fill: (layerId, offsetBytes, from) => hydration.fill(layerId, offsetBytes, bytesOf(from)),
    advance: (layerId, doneBytes) => hydration.advance(layerId, doneBytes),
    addExport: (name, what) => exports.add(name, what),
    limitVolume: (volumeId, limits) => exports.limit(volumeId, limits),
    removeExport: (name) => exports.remove(name),
    clients: (names) => exports.clients(names),
    listenTcp: (host, tcpPort) => plane.listenTcp(host, tcpPort),
    listenUnix: (path) => plane.listenUnix(path),
    renewTls: (tls) => plane.renewTls(tls),
    stopServing: () => plane.stopServing(),
    close: () => plane.close(),
  };
}

/** Backups are read by the rest of the process, into memory that both sides see. */
const backups: BackingSource = {
  blocks: (backing, page) => rest.backedBlocks(backing, page),
  read: async (backing, offsetBytes, target) => {
    const shared = must(sharedRange(target), 'memory that threads share');
    await rest.readBacking(backing, offsetBytes, shared);
  },
};

const functions: Partial<ThreadCalls> & Opening = {
  open: async (options) => {
    const plane = await openDataPlane(options, {
      onNbd: (event) => void rest.nbd(event),
      onFault: (error) => void rest.fault(error),
      backups,
    });
    Object.assign(functions, answers(plane));
  },
};

const rest = createBirpc<ThreadEvents, typeof functions>(functions, {
  ...overPort(port),
  eventNames: ['nbd', 'fault'],
});

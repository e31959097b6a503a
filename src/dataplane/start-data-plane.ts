import { Worker } from 'node:worker_threads';
import { createBirpc } from 'birpc';
import { OperatingError } from '../base/errors.ts';
import type { BackingSource } from '../volume/hydration.ts';
import { bytesOf, type Opening, overPort, type ThreadCalls, type ThreadEvents } from './calls.ts';
import type { DataPlane, DataPlaneEvents, DataPlaneOptions } from './data-plane.ts';
import { RemoteEngine } from './remote-engine.ts';

/**
 * Starts a data plane in a thread of its own. A mistake of the program in that thread ends the
 * process, as one in any other thread does.
 */
export async function startDataPlane(
  options: DataPlaneOptions,
  events: DataPlaneEvents,
): Promise<DataPlane> {
  const backups = (): BackingSource => {
    if (events.backups !== undefined) return events.backups;
    throw new OperatingError('unavailable', 'No backups are at hand here.');
  };
  const worker = new Worker(new URL('./thread.ts', import.meta.url));
  const functions: ThreadEvents = {
    nbd: (event) => events.onNbd(event),
    fault: (error) => events.onFault(error),
    backedBlocks: async (backing, page) => backups().blocks(backing, page),
    readBacking: async (backing, offsetBytes, into) =>
      backups().read(backing, offsetBytes, bytesOf(into)),
  };
  const calls = createBirpc<ThreadCalls & Opening, ThreadEvents>(functions, overPort(worker));
  try {
    await calls.open(options);
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  const close = async (): Promise<void> => {
    await calls.close();
    await worker.terminate();
  };
  return {
    engine: new RemoteEngine(calls),
    exports: {
      add: (name, what) => calls.addExport(name, what),
      remove: (name) => calls.removeExport(name),
      limit: (volumeId, limits) => calls.limitVolume(volumeId, limits),
      clients: (names) => calls.clients(names),
    },
    listenTcp: (host, port) => calls.listenTcp(host, port),
    listenUnix: (path) => calls.listenUnix(path),
    renewTls: (tls) => calls.renewTls(tls),
    stopServing: () => calls.stopServing(),
    close,
  };
}

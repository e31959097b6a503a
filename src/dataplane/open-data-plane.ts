import { ExportRegistry } from '../nbd/exports.ts';
import { NbdServer } from '../nbd/server.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';
import type { DataPlane, DataPlaneEvents, DataPlaneOptions } from './data-plane.ts';
import { ServedExports } from './served-exports.ts';

/** Opens a data plane in this thread. Nobody else may have the folder open. */
export async function openDataPlane(
  options: DataPlaneOptions,
  events: DataPlaneEvents,
): Promise<DataPlane> {
  const engine = await openVolumeEngine({
    folder: options.folder,
    report: (error) => events.onFault(error),
    ...(events.backups === undefined ? {} : { source: events.backups }),
  });
  const registry = new ExportRegistry();
  const server = new NbdServer({
    exports: registry,
    log: (event) => events.onNbd(event),
    tls: options.tls,
  });
  const exports = new ServedExports(engine, registry, { backups: events.backups });
  const stopServing = async (): Promise<void> => {
    exports.release();
    await server.close();
  };
  return {
    engine,
    exports,
    listenTcp: (host, port) => server.listenTcp(host, port),
    listenUnix: (path) => server.listenUnix(path),
    renewTls: async (tls) => server.renewTls(tls),
    stopServing,
    close: async () => {
      await stopServing();
      await engine.close();
    },
  };
}

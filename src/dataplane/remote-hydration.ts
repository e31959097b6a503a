import type { Hydration } from '../volume/hydration.ts';
import { sharedRange, type ThreadCalls } from './calls.ts';
import type { SharedMemory } from './remote-device.ts';

/** The layers of the data plane's thread that are still being filled. */
export function remoteHydration(calls: ThreadCalls, memory: SharedMemory): Hydration {
  return {
    backedLayers: () => calls.backedLayers(),
    missing: (layerId, offsetBytes) => calls.missing(layerId, offsetBytes),
    async fill(layerId, offsetBytes, content) {
      const shared = sharedRange(content);
      if (shared !== undefined) return calls.fill(layerId, offsetBytes, shared);
      return memory.with(content.byteLength, (range, bytes) => {
        bytes.set(content);
        return calls.fill(layerId, offsetBytes, range);
      });
    },
    advance: (layerId, doneBytes) => calls.advance(layerId, doneBytes),
  };
}

import { monotonicMs } from '../base/clock.ts';
import { settleAll } from '../base/serial.ts';
import type { Layer } from '../layer/layer.ts';
import type { LiveVolume } from './live-volume.ts';
import type { VolumeSet } from './volume-set.ts';
import type { VolumeState } from './volume-state.ts';

/** A volume in use, with its head. */
interface Entered {
  readonly volume: VolumeState;
  readonly live: LiveVolume;
  readonly old: Layer;
}

interface Part extends Entered {
  /** What is to be the head. */
  readonly head: Layer;
}

/**
 * Runs `work` alone with these volumes. The controls are taken in the order of the ids, so two that
 * want the same ones never wait for each other.
 */
export function inControl<T>(volumes: readonly VolumeState[], work: () => Promise<T>): Promise<T> {
  return enterNext(
    volumes.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    work,
  );
}

function enterNext<T>(volumes: readonly VolumeState[], work: () => Promise<T>): Promise<T> {
  const [first, ...others] = volumes;
  if (first === undefined) return work();
  return first.control.run(() => enterNext(others, work));
}

/**
 * Freezes volumes at one instant, makes their former heads durable, and runs `work` with these
 * pinned, in the order of `volumes`. Called with the controls of all of them. `onFrozen` is called
 * right after the instant.
 *
 * Whatever fails before the instant leaves every volume as it was.
 */
export async function withFrozen<T>(
  set: VolumeSet,
  volumes: readonly VolumeState[],
  onFrozen: () => void,
  work: (frozen: readonly Layer[]) => Promise<T>,
): Promise<T> {
  const entered: Entered[] = [];
  try {
    for (const volume of volumes) {
      const live = set.enter(volume);
      const old = live.chain.top;
      set.pin(old.id);
      entered.push({ volume, live, old });
    }
    const parts = await makeHeads(set, entered);
    exchangeAll(set, parts);
    onFrozen();
    const settleNames = (): Promise<void> => set.shelf.settleNames();
    await settleAll(parts.map(({ live, old }) => live.settle(old, settleNames)));
    return await work(entered.map(({ old }) => old));
  } finally {
    for (const { old } of entered) set.unpin(old.id);
    await settleAll(entered.map(({ volume, live }) => set.leave(volume, live)));
  }
}

/** Makes the layers that are about to become the heads, durably but for their names. */
async function makeHeads(set: VolumeSet, entered: readonly Entered[]): Promise<Part[]> {
  const parts: Part[] = [];
  const making = entered.map(async (each) => {
    const head = await set.shelf.make(each.old.id, each.volume.record.lengthBytes);
    parts.push({ ...each, head });
  });
  await settleAll(making);
  return parts;
}

/** Exchanges all heads in one turn of the event loop: the instant. */
function exchangeAll(set: VolumeSet, parts: readonly Part[]): void {
  for (const { live } of parts) live.assertSound();
  const startMs = monotonicMs();
  for (const { volume, live, old, head } of parts) {
    set.shelf.add(head);
    live.exchange(head);
    head.writeBack.succeed(old.writeBack);
    volume.record = { ...volume.record, head: head.id };
  }
  set.freezeTimes.note(monotonicMs() - startMs);
}

/**
 * The thread that does the CPU work on slots. One message names a task and a slot; the answer is
 * the number of the message. A slot belongs to the thread from the message to the answer.
 *
 * - `hash`: for the first `count` blocks, writes the id; the zero id for a block of zeros. Blocks
 *   with mode `patch` are sealed as well, as by `seal`.
 * - `diff`: for each block with mode 1, opens the sealed base and writes the mask of the sectors
 *   that differ into `results`; 0 when the base does not open.
 * - `seal`: for each block with mode `whole` or `patch`, writes it sealed to its room. A patch has
 *   its base in `baseId` and its mask in `results`.
 * - `open`: for each block with mode 1, opens the sealed block, applies the patch if there is one,
 *   and checks the id; `results` says 1 for a block that is right.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort } from 'node:worker_threads';
import { must } from '../base/assert.ts';
import { isZero, MiB } from '../base/bytes.ts';
import { isOperatingError } from '../base/errors.ts';
import { blockBytes, blockKinds, chunkBlocks, idBytes, zeroId } from './block.ts';
import { nativeGcm } from './gcm.ts';
import { RepositoryKeys } from './keys.ts';
import { applyPatch, differingSectors, encodePatch, patchBytesMax } from './patch.ts';
import { blockLabel, sealInto, unsealInto } from './seal.ts';
import { Slot } from './slot.ts';
import { endMessage, type TaskMessage } from './task.ts';
import { nativeZstd } from './zstd.ts';

/**
 * Node's own ciphers and zlib answer in new buffers outside the heap. The heap itself stays tiny,
 * so that left alone the collector comes only after 100 MiB of them. A minor collection every so
 * many bytes frees them while they are young, and costs little.
 */
const bytesPerCollection = 8 * MiB;
const leavesGarbage = nativeGcm === undefined || nativeZstd === undefined;
const collectGarbage = leavesGarbage ? exposedCollector() : undefined;
let bytesSinceCollection = 0;

/** What a patch is put together in. */
const patch = Buffer.allocUnsafeSlow(patchBytesMax);

/** What a block is compared with. */
const base = Buffer.allocUnsafeSlow(blockBytes);

/** The ids that opened blocks turn out to have. */
const foundIds = Array.from({ length: chunkBlocks }, () => Buffer.alloc(idBytes));

/** V8 shows it to contexts that are made after the flag was set. */
function exposedCollector(): (options: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

/** Counts what a step has left behind; Node's own zstd leaves about twice the plain bytes more. */
function noteGarbage(plainBytes: number, sealedBytes: number): void {
  if (collectGarbage === undefined) return;
  bytesSinceCollection += sealedBytes + 3 * plainBytes;
  if (bytesSinceCollection < bytesPerCollection) return;
  bytesSinceCollection = 0;
  collectGarbage({ type: 'minor' });
}

const keysOf = new Map<string, RepositoryKeys>();
const port = must(parentPort, 'a parent thread');

port.on('message', (message: TaskMessage | typeof endMessage) => {
  if (message === endMessage) {
    port.close();
    return;
  }
  const slot = new Slot(message.memory);
  const keys = keysFor(message);
  const { kind, count } = message;
  if (kind === 'hash') hashBlocks(keys, slot, count);
  else if (kind === 'diff') forEachOf(slot, (block) => diffBlock(keys, slot, block));
  else if (kind === 'seal') sealBlocks(keys, slot);
  else openBlocks(keys, slot);
  port.postMessage(message.number);
});

/** Deriving keys takes a while, so that they are kept. */
function keysFor({ masterKey, repositoryId }: TaskMessage): RepositoryKeys {
  const known = keysOf.get(repositoryId);
  if (known !== undefined) return known;
  const keys = new RepositoryKeys(masterKey, repositoryId);
  keysOf.set(repositoryId, keys);
  return keys;
}

function forEachOf(slot: Slot, act: (block: number) => number): void {
  for (let block = 0; block < chunkBlocks; block += 1) {
    if (slot.modes[block] !== 1) continue;
    slot.results[block] = act(block);
    noteGarbage(blockBytes, slot.lengths[block] ?? 0);
  }
}

function hashBlocks(keys: RepositoryKeys, slot: Slot, count: number): void {
  const plains: Uint8Array[] = [];
  const ids: Uint8Array[] = [];
  for (let block = 0; block < count; block += 1) {
    const plain = slot.block(block);
    const id = slot.id(block);
    if (isZero(plain)) {
      id.set(zeroId);
      slot.modes[block] = 0;
      continue;
    }
    plains.push(plain);
    ids.push(id);
  }
  keys.idsOf(plains, ids);
  for (let block = 0; block < count; block += 1) {
    if (slot.modes[block] === blockKinds.patch) sealBlock(keys, slot, block);
  }
}

function diffBlock(keys: RepositoryKeys, slot: Slot, block: number): number {
  if (!openSealed(base, keys, slot, block, slot.baseId(block))) return 0;
  return differingSectors(slot.block(block), base);
}

function sealBlocks(keys: RepositoryKeys, slot: Slot): void {
  for (let block = 0; block < chunkBlocks; block += 1) {
    if (slot.modes[block] !== 0) sealBlock(keys, slot, block);
  }
}

function sealBlock(keys: RepositoryKeys, slot: Slot, block: number): void {
  const id = slot.id(block);
  const key = keys.blockKey(id[0] ?? 0);
  const whole = slot.modes[block] === blockKinds.whole;
  const plain = whole
    ? slot.block(block)
    : encodePatch(patch, slot.block(block), slot.baseId(block), slot.results[block] ?? 0);
  const label = blockLabel(whole ? blockKinds.whole : blockKinds.patch, id);
  slot.lengths[block] = sealInto(slot.takeRoom(block), key, label, plain);
  noteGarbage(0, slot.lengths[block] ?? 0);
}

function openBlocks(keys: RepositoryKeys, slot: Slot): void {
  const opened: number[] = [];
  forEachOf(slot, (block) => {
    if (openBlock(keys, slot, block)) opened.push(block);
    return 0;
  });
  keys.idsOf(
    opened.map((block) => slot.block(block)),
    foundIds.slice(0, opened.length),
  );
  for (const [at, block] of opened.entries()) {
    slot.results[block] = foundIds[at]?.equals(slot.id(block)) === true ? 1 : 0;
  }
}

/** Opens a block, whose id is still to be checked; false when it is damaged. */
function openBlock(keys: RepositoryKeys, slot: Slot, block: number): boolean {
  const patched = (slot.patchLengths[block] ?? 0) > 0;
  const plain = slot.block(block);
  const id = patched ? slot.baseId(block) : slot.id(block);
  if (!openSealed(plain, keys, slot, block, id)) return false;
  return !patched || applyPatch(slot.patch(block), plain);
}

/** Puts the whole block that is sealed at `block` into `target`; false when it is damaged. */
function openSealed(
  target: Uint8Array,
  keys: RepositoryKeys,
  slot: Slot,
  block: number,
  id: Uint8Array,
): boolean {
  try {
    const key = keys.blockKey(id[0] ?? 0);
    const label = blockLabel(blockKinds.whole, id);
    const sealed = slot.sealedBlock(block);
    return unsealInto(target, key, label, sealed, { subject: 'a block' }) === blockBytes;
  } catch (error) {
    if (isOperatingError(error, 'corrupt')) return false;
    throw error;
  }
}

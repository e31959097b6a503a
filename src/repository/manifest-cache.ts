/**
 * Copies of manifests in a local file, so that a list of thousands of backups costs one read and
 * not thousands: each body of a `CacheFile` is a JSON array of them.
 *
 * A manifest never changes, and which there are the store says: a copy of one that is gone is not
 * used.
 */
import { bodyBytesMax, CacheFile } from './cache-file.ts';
import type { RepositoryKeys } from './keys.ts';
import type { Manifest } from './manifest.ts';

/** The file is written anew when so many of its manifests are of no use, and these are the most. */
const uselessMin = 64;
/** Or when it is in so many pieces more than it would be then. */
const piecesMax = 256;

export class ManifestCache {
  readonly #file: CacheFile;
  #pieces = 0;

  /** `folder`: where the file is; undefined keeps nothing. */
  constructor(folder: string | undefined, keys: RepositoryKeys) {
    this.#file = new CacheFile(folder, keys, 'manifests 2');
  }

  /** The copies by backup ids; those that were removed since may be among them. */
  async load(): Promise<Map<string, Manifest>> {
    const manifests = new Map<string, Manifest>();
    const bodies = await this.#file.load();
    this.#pieces = bodies.length;
    for (const body of bodies) {
      // What was sealed here was checked before.
      const part: Manifest[] = JSON.parse(body.toString());
      for (const manifest of part) manifests.set(manifest.backupId, manifest);
    }
    return manifests;
  }

  async append(manifests: readonly Manifest[]): Promise<void> {
    for (const body of bodiesOf(manifests)) {
      this.#pieces += 1;
      await this.#file.append(body);
    }
  }

  /** Keeps what a listing has found: the `used` ones of the `cached` copies, and `fresh` ones. */
  async settle(found: {
    fresh: readonly Manifest[];
    cached: ReadonlyMap<string, Manifest>;
    used: ReadonlySet<string>;
  }): Promise<void> {
    const { fresh, cached, used } = found;
    const useless = cached.size - used.size;
    const isUseful = useless < uselessMin || useless < used.size;
    if (isUseful && this.#pieces < piecesMax) return this.append(fresh);
    const kept = [...cached.values()].filter(({ backupId }) => used.has(backupId));
    const bodies = [...bodiesOf([...kept, ...fresh])];
    this.#pieces = bodies.length;
    await this.#file.replace(bodies);
  }

  /** Resolves when everything that was asked for is written. */
  async idle(): Promise<void> {
    await this.#file.idle();
  }
}

/** Manifests in few bodies. Each of them alone is much shorter than a body may be. */
function* bodiesOf(manifests: readonly Manifest[]): Generator<Buffer> {
  let part: string[] = [];
  let lengthBytes = 0;
  for (const manifest of manifests) {
    const json = JSON.stringify(manifest);
    lengthBytes += Buffer.byteLength(json) + 1;
    if (lengthBytes >= bodyBytesMax) {
      yield Buffer.from(`[${part.join(',')}]`);
      part = [];
      lengthBytes = Buffer.byteLength(json) + 1;
    }
    part.push(json);
  }
  if (part.length > 0) yield Buffer.from(`[${part.join(',')}]`);
}

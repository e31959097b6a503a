/**
 * Copies of manifests in a local file, so that a list of thousands of backups costs one read and
 * not thousands.
 *
 *     file = line …
 *     line = CRC-32 of the manifest (8 hexadecimal digits) ‖ space ‖ manifest as JSON ‖ newline
 *
 * A manifest never changes, and which there are the store says: a copy of one that is gone is not
 * used. The file may be removed at any time. It is not synced: a line that is torn or wrong is left
 * out, and its manifest is read from the store again.
 */
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Manifest } from './manifest.ts';

const mode = 0o600;
/** The file is written anew when so many of its lines are of no use, and these are the most. */
const uselessMin = 64;

export class ManifestCache {
  readonly #folder: string | undefined;
  readonly #path: string;
  #writing: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(folder: string | undefined, repositoryId: string) {
    this.#folder = folder;
    this.#path = join(folder ?? '', `${repositoryId}.manifests`);
  }

  /** The copies by backup ids; those that were removed since may be among them. */
  async load(): Promise<Map<string, Manifest>> {
    const manifests = new Map<string, Manifest>();
    if (this.#folder === undefined) return manifests;
    await this.#writing;
    const content = await readIfThere(this.#path);
    for (let at = 0; at < content.length;) {
      const end = content.indexOf(10, at);
      if (end === -1) break;
      const manifest = decodeLine(content.subarray(at, end));
      if (manifest !== undefined) manifests.set(manifest.backupId, manifest);
      at = end + 1;
    }
    return manifests;
  }

  async append(manifests: readonly Manifest[]): Promise<void> {
    if (manifests.length === 0) return;
    await this.#write(() => appendFile(this.#path, encode(manifests), { mode }));
  }

  /** Keeps what a listing has found: the `used` ones of the `cached` copies, and `fresh` ones. */
  async settle(found: {
    fresh: readonly Manifest[];
    cached: ReadonlyMap<string, Manifest>;
    used: ReadonlySet<string>;
  }): Promise<void> {
    const { fresh, cached, used } = found;
    const useless = cached.size - used.size;
    if (useless < uselessMin || useless < used.size) return this.append(fresh);
    const kept = [...cached.values()].filter(({ backupId }) => used.has(backupId));
    await this.#write(async () => {
      await writeFile(`${this.#path}.new`, encode([...kept, ...fresh]), { mode });
      await rename(`${this.#path}.new`, this.#path);
    });
  }

  /** Resolves when everything that was asked for is written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  /**
   * One after the other, so that a line is never written into another. A copy that cannot be
   * written costs a read later; nobody tries again then.
   */
  async #write(act: () => Promise<void>): Promise<void> {
    this.#writing = this.#after(this.#writing, act);
    await this.#writing;
  }

  async #after(before: Promise<void>, act: () => Promise<void>): Promise<void> {
    await before;
    if (this.#folder === undefined || this.#failed) return;
    try {
      await mkdir(this.#folder, { recursive: true });
      await act();
    } catch {
      this.#failed = true;
    }
  }
}

function encode(manifests: readonly Manifest[]): string {
  return manifests
    .map((manifest) => {
      const json = JSON.stringify(manifest);
      return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
    })
    .join('');
}

function decodeLine(line: Buffer): Manifest | undefined {
  const json = line.subarray(9);
  if (parseInt(line.toString('latin1', 0, 8), 16) !== crc32(json)) return undefined;
  // What has the right sum was checked when it was written.
  const manifest: Manifest = JSON.parse(json.toString());
  return manifest;
}

/** What cannot be read is made anew. */
async function readIfThere(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch {
    return Buffer.alloc(0);
  }
}

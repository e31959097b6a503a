import { throwIfAborted } from '../base/abort.ts';
import { must } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import { assertName, checkContainerName, checkSize } from './names.ts';
import type {
  GetOptions,
  PutOptions,
  Store,
  StoreOptions,
  StoreRoot,
  StoredObject,
} from './store.ts';

/** A store root that forgets everything with the process: for tests. */
export function openMemoryRoot(): StoreRoot {
  const stores = new Map<string, MemoryStore>();

  async function open(container: string, { create }: { create: boolean }): Promise<Store> {
    checkContainerName(container);
    const found = stores.get(container);
    if (found !== undefined) return found;
    if (!create) {
      throw new OperatingError('not_found', `the store memory: has no container ${container}`);
    }
    const store = new MemoryStore(`memory:${container}`);
    stores.set(container, store);
    return store;
  }

  return {
    url: 'memory:',
    open,
    containers: async () => [...stores.keys()].sort(),
    checkContainer: checkContainerName,
    close: async () => {},
  };
}

/** One container in memory. `objects` is open to tests that damage or count what is stored. */
export class MemoryStore implements Store {
  readonly url: string;
  readonly objects = new Map<string, Uint8Array>();

  constructor(url: string) {
    this.url = url;
  }

  async put(name: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    assertName(name);
    throwIfAborted(options?.signal);
    checkSize(chunks);
    if (options?.replace !== true && this.objects.has(name)) {
      throw new OperatingError('exists', `the store ${this.url} holds ${name} already`);
    }
    this.objects.set(name, Buffer.concat(chunks));
  }

  async get(name: string, options?: GetOptions): Promise<Uint8Array> {
    assertName(name);
    throwIfAborted(options?.signal);
    const whole = this.objects.get(name);
    if (whole === undefined) {
      throw new OperatingError('not_found', `the store ${this.url} holds no ${name}`);
    }
    const range = options?.range ?? { offsetBytes: 0, lengthBytes: whole.length };
    const end = range.offsetBytes + range.lengthBytes;
    if (end > whole.length) {
      throw new OperatingError('corrupt', `the object ${name} of ${this.url} is cut short`);
    }
    return Uint8Array.from(whole.subarray(range.offsetBytes, end));
  }

  async sizeOf(name: string, options?: StoreOptions): Promise<number | undefined> {
    assertName(name);
    throwIfAborted(options?.signal);
    return this.objects.get(name)?.length;
  }

  async *list(prefix: string, options?: StoreOptions): AsyncIterable<StoredObject> {
    const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix));
    for (const name of names) {
      throwIfAborted(options?.signal);
      if (!this.objects.has(name)) continue;
      yield { name, sizeBytes: must(this.objects.get(name), name).length };
    }
  }

  async remove(name: string, options?: StoreOptions): Promise<void> {
    assertName(name);
    throwIfAborted(options?.signal);
    this.objects.delete(name);
  }

  async close(): Promise<void> {}
}

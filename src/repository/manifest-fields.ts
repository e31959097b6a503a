import { OperatingError } from '../base/errors.ts';
import { isUuid } from '../base/ids.ts';

const textsMax = 1024;
const keyLengthMax = 255;
const valueLengthMax = 4096;

/** Reads the fields of a JSON object; a field of the wrong shape is `corrupt`. */
export class ManifestFields {
  readonly #value: Map<string, unknown>;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.#path = path;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail('object');
    this.#value = new Map(Object.entries(value ?? {}));
  }

  fail(key: string): never {
    throw new OperatingError('corrupt', `the field ${this.#path}.${key} is malformed`);
  }

  has(key: string): boolean {
    return this.#value.has(key);
  }

  object(key: string): ManifestFields {
    return new ManifestFields(this.#value.get(key), `${this.#path}.${key}`);
  }

  text(key: string, lengthMax: number): string {
    const value = this.#value.get(key);
    if (typeof value !== 'string' || value.length > lengthMax) this.fail(key);
    return value;
  }

  textOrNull(key: string, lengthMax: number): string | null {
    return this.#value.get(key) === null ? null : this.text(key, lengthMax);
  }

  id(key: string): string {
    const value = this.text(key, 36);
    return isUuid(value) ? value : this.fail(key);
  }

  idOrNull(key: string): string | null {
    return this.#value.get(key) === null ? null : this.id(key);
  }

  count(key: string, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.#value.get(key);
    const fine = typeof value === 'number' && Number.isSafeInteger(value);
    return fine && value >= 0 && value <= max ? value : this.fail(key);
  }

  flag(key: string): boolean {
    const value = this.#value.get(key);
    return typeof value === 'boolean' ? value : this.fail(key);
  }

  texts(key: string): Record<string, string> {
    const value = this.#value.get(key);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail(key);
    const entries: [string, unknown][] = Object.entries(value);
    if (entries.length > textsMax) this.fail(key);
    const texts: [string, string][] = entries.map(([name, text]) => {
      const fine = typeof text === 'string' && text.length <= valueLengthMax;
      return fine && name.length <= keyLengthMax ? [name, text] : this.fail(key);
    });
    return Object.fromEntries(texts);
  }
}

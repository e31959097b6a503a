import { OperatingError } from '../base/errors.ts';

/** What a store URL says, taken apart: `scheme://place?name=value&…`. */
export interface StoreUrl {
  readonly text: string;
  readonly scheme: string;
  /** What stands between `//` and `?`, without slashes at its end. */
  readonly place: string;
  readonly settings: ReadonlyMap<string, string>;
}

/**
 * Takes a URL of a store apart. Rejects one with credentials in it, as it would show them wherever
 * the store is named, and settings that are not in `known`.
 */
export function readStoreUrl(text: string, known: readonly string[]): StoreUrl {
  const url = URL.parse(text);
  if (url === null) throw invalidStore(text, 'is no URL');
  if (url.username !== '' || url.password !== '') {
    // The text is not repeated: it holds a secret.
    throw new OperatingError(
      'invalid_input',
      'credentials do not belong in the URL of a store: see docs/operate/stores.md',
      { field: 'store' },
    );
  }
  if (url.hash !== '') throw invalidStore(text, 'has a # in it');
  const settings = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (!known.includes(name)) {
      throw invalidStore(text, `has the setting ${name}; it can have ${known.join(', ')}`);
    }
    if (settings.has(name)) throw invalidStore(text, `has the setting ${name} twice`);
    settings.set(name, value);
  }
  const place = `${url.host}${decodeURIComponent(url.pathname)}`.replace(/\/+$/, '');
  return { text, scheme: url.protocol.slice(0, -1), place, settings };
}

/** Says what is wrong with a URL; its settings are not repeated, as one may hold a secret. */
export function invalidStore(text: string, fault: string): OperatingError {
  const place = text.replace(/\?.*/s, '');
  return new OperatingError('invalid_input', `the store ${place} ${fault}`, { field: 'store' });
}

/** The address of a server that a setting names. Rejects what is no http or https URL. */
export function serverAddress(store: StoreUrl, setting: string): URL | undefined {
  const text = store.settings.get(setting);
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  const fine = url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === '';
  if (!fine) throw invalidStore(store.text, `has a setting ${setting} that is no http(s) URL`);
  return url;
}

/**
 * OpenStack Swift as secondary storage.
 *
 *     swift://?cloud=NAME&region=…&container-prefix=PREFIX
 *
 * Containers are Swift's, in the account of the project that the credentials are for; with a prefix
 * those whose names begin so. Without `cloud` the credentials are those of the environment.
 */
import { OperatingError } from '../base/errors.ts';
import { FolderStore } from './folder-store.ts';
import { checkContainerName } from './names.ts';
import type { Store, StoreRoot } from './store.ts';
import { invalidStore, readStoreUrl } from './store-url.ts';
import { listingLagMs, SwiftContainer, swiftError } from './swift-container.ts';
import { readSwiftCredentials, type SwiftCredentials } from './swift-credentials.ts';
import { parseJson, SwiftSession } from './swift-session.ts';
import { isJsonObject } from '../base/json.ts';

const known = ['cloud', 'region', 'interface', 'container-prefix'];

/** Opens what a `swift:` URL names. A listing asks for `pageObjects` at a time. */
export function openSwiftRoot(
  url: string,
  { pageObjects = 10_000, environment = process.env } = {},
): StoreRoot {
  const { place, settings } = readStoreUrl(url, known);
  if (place !== '') throw invalidStore(url, 'names a place: write swift://?cloud=NAME');
  const prefix = settings.get('container-prefix') ?? '';
  const session = new SwiftSession(url, async () =>
    overridden(await readSwiftCredentials(settings.get('cloud'), environment), settings),
  );

  async function open(container: string, { create }: { create: boolean }): Promise<Store> {
    checkContainerName(container);
    const name = prefix + container;
    const place = `swift://${name}`;
    const objects = new SwiftContainer(session, name, place, pageObjects);
    if (!(await objects.isThere())) {
      if (!create) {
        throw new OperatingError('not_found', `the store ${url} has no container ${container}`);
      }
      await objects.make();
    }
    return new FolderStore(objects, '');
  }

  async function containers(): Promise<string[]> {
    const names: string[] = [];
    for (let marker = ''; ;) {
      const query = new URLSearchParams({ format: 'json', prefix, marker });
      const answer = await session.send({ method: 'GET', path: `?${query.toString()}` });
      // An account is made with its first container.
      if (answer.status === 404 || answer.status === 204) return names.sort();
      const error = swiftError(answer.status, url, 'list its containers', answer.body);
      if (error !== undefined) throw error;
      const found = namesOf(parseJson(answer.body));
      names.push(...found.map((name) => name.slice(prefix.length)).filter((name) => name !== ''));
      const last = found.at(-1);
      if (last === undefined) return names.sort();
      marker = last;
    }
  }

  const close = async (): Promise<void> => session.close();
  const checkContainer = checkContainerName;
  return { url, listingLagMs, open, containers, checkContainer, close };
}

/** Opens the container that `swift://CONTAINER?…` names, to read objects of any name. */
export async function openSwiftContainer(
  url: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Store> {
  const { place, settings } = readStoreUrl(url, known);
  if (place === '' || place.includes('/')) throw invalidStore(url, 'names no container');
  const session = new SwiftSession(url, async () =>
    overridden(await readSwiftCredentials(settings.get('cloud'), environment), settings),
  );
  return new SwiftContainer(session, place, `swift://${place}`, 10_000);
}

function overridden(
  credentials: SwiftCredentials,
  settings: ReadonlyMap<string, string>,
): SwiftCredentials {
  if (credentials.version === 1) return credentials;
  return {
    ...credentials,
    region: settings.get('region') ?? credentials.region,
    interface: settings.get('interface') ?? credentials.interface,
  };
}

function namesOf(page: unknown): string[] {
  const entries: unknown[] = Array.isArray(page) ? page : [];
  return entries
    .filter(isJsonObject)
    .flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
}

/**
 * S3 as secondary storage.
 *
 *     s3://BUCKET[/PREFIX]?…           containers are folders in one bucket, which must be there
 *     s3://?bucket-prefix=PREFIX&…     containers are buckets whose names begin with PREFIX
 *
 * The credentials come from where the tools of AWS find theirs, or from `profile`.
 */
import { OperatingError } from '../base/errors.ts';
import { FolderStore } from './folder-store.ts';
import { checkContainerName } from './names.ts';
import type { S3Connection } from './s3-connection.ts';
import type { Store, StoreRoot } from './store.ts';
import { invalidStore, readStoreUrl, serverAddress, type StoreUrl } from './store-url.ts';

/** How an S3 server is reached. */
export interface S3Settings {
  /** Undefined: AWS itself. */
  readonly endpoint: URL | undefined;
  /** Undefined: as the environment or the profile says. */
  readonly region: string | undefined;
  readonly profile: string | undefined;
  /** Whether a bucket is named in the path of a request, not in its host. */
  readonly pathStyle: boolean;
}

const known = ['endpoint', 'region', 'profile', 'addressing', 'bucket-prefix'];

/**
 * Opens what an `s3:` URL names. The client is loaded when it is first used. A listing asks for
 * `pageObjects` at a time, of which the server may send fewer.
 */
export function openS3Root(text: string, { pageObjects = 1000 } = {}): StoreRoot {
  const url = readStoreUrl(text, known);
  const settings = readSettings(url);
  let connection: Promise<S3Connection> | undefined;
  const connect = async (): Promise<S3Connection> => {
    connection ??= import('./s3-connection.ts').then(({ connectS3 }) =>
      connectS3(settings, pageObjects),
    );
    return connection;
  };
  const [bucket = '', ...folders] = url.place.split('/');
  const prefix = url.settings.get('bucket-prefix');
  if (bucket === '') return bucketsRoot(text, connect, prefix ?? '');
  if (prefix !== undefined) throw invalidStore(text, 'names a bucket, and a prefix of buckets');
  if (!isBucketName(bucket)) throw invalidStore(text, 'names a bucket that S3 cannot have');
  return foldersRoot(text, connect, { bucket, prefix: folders.map((it) => `${it}/`).join('') });
}

/** Opens the bucket that `s3://BUCKET?…` names, to read objects of any name. */
export async function openS3Bucket(text: string): Promise<Store> {
  const url = readStoreUrl(text, known);
  if (!isBucketName(url.place)) throw invalidStore(text, 'names no bucket');
  const { connectS3 } = await import('./s3-connection.ts');
  const connection = await connectS3(readSettings(url), 1000);
  return connection.bucket(url.place, `s3://${url.place}`);
}

function readSettings(url: StoreUrl): S3Settings {
  const endpoint = serverAddress(url, 'endpoint');
  const addressing = url.settings.get('addressing') ?? (endpoint === undefined ? 'host' : 'path');
  if (addressing !== 'host' && addressing !== 'path') {
    throw invalidStore(url.text, 'has an addressing that is neither host nor path');
  }
  return {
    endpoint,
    region: url.settings.get('region'),
    profile: url.settings.get('profile'),
    pathStyle: addressing === 'path',
  };
}

type Connect = () => Promise<S3Connection>;

function bucketsRoot(url: string, connect: Connect, prefix: string): StoreRoot {
  function checkContainer(container: string): void {
    checkContainerName(container);
    if (isBucketName(prefix + container)) return;
    throw new OperatingError(
      'invalid_input',
      'a container of this store is an S3 bucket, whose name has 3 to 63 small letters, digits, ' +
        `dots and dashes${prefix === '' ? '' : ` with "${prefix}" before it`}`,
      { field: 'container' },
    );
  }

  async function open(container: string, { create }: { create: boolean }): Promise<Store> {
    checkContainer(container);
    const s3 = await connect();
    const bucket = prefix + container;
    const found = await s3.hasBucket(bucket, url);
    if (!found && !create) {
      throw new OperatingError('not_found', `the store ${url} has no container ${container}`);
    }
    if (!found) await s3.makeBucket(bucket, url);
    return new FolderStore(s3.bucket(bucket, `s3://${bucket}`), '');
  }

  async function containers(): Promise<string[]> {
    const names = await (await connect()).buckets(prefix, url);
    return names.map((name) => name.slice(prefix.length)).sort();
  }

  return { url, open, containers, checkContainer, close: async () => {} };
}

function foldersRoot(
  url: string,
  connect: Connect,
  { bucket, prefix }: { bucket: string; prefix: string },
): StoreRoot {
  async function open(container: string, { create }: { create: boolean }): Promise<Store> {
    checkContainerName(container);
    const s3 = await connect();
    const objects = s3.bucket(bucket, `s3://${bucket}`);
    const folder = `${prefix}${container}/`;
    for await (const _ of objects.list(folder)) return new FolderStore(objects, folder);
    if (!create) {
      throw new OperatingError('not_found', `the store ${url} has no container ${container}`);
    }
    // An object with this name is how a folder without objects is known.
    await objects.put(folder, []).catch((error: unknown) => {
      if (!isTaken(error)) throw error;
    });
    return new FolderStore(objects, folder);
  }

  async function containers(): Promise<string[]> {
    return (await connect()).folders(bucket, prefix, url);
  }

  return { url, open, containers, checkContainer: checkContainerName, close: async () => {} };
}

const isTaken = (error: unknown): boolean =>
  error instanceof OperatingError && error.code === 'exists';

/** The rules of AWS, which other servers keep to as well. */
function isBucketName(name: string): boolean {
  const shaped = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name);
  return shaped && !name.includes('..') && !/^\d+\.\d+\.\d+\.\d+$/.test(name);
}

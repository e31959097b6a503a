import {
  CreateBucketCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { isOperatingError } from '../base/errors.ts';
import { S3Bucket, type S3Server } from './s3-bucket.ts';
import { s3Error } from './s3-errors.ts';
import type { S3Settings } from './s3.ts';
import type { Store } from './store.ts';

/** A server is given up when it says nothing for so long, in the middle of an answer too. */
const silenceMsMax = 60_000;
const connectMsMax = 10_000;

/** Loads the credentials' region, and makes a connection; nothing is sent yet. */
export async function connectS3(settings: S3Settings, pageObjects: number): Promise<S3Connection> {
  const client = makeClient(settings);
  const region = await client.config.region();
  return new S3Connection({ client, pageObjects, asksForFreeNames: true }, region);
}

/** One S3 server with one set of credentials. `url` is the store as errors name it. */
export class S3Connection {
  readonly #server: S3Server;
  readonly #region: string;

  constructor(server: S3Server, region: string) {
    this.#server = server;
    this.#region = region;
  }

  bucket(name: string, url: string): Store {
    return new S3Bucket(this.#server, name, url);
  }

  async hasBucket(name: string, url: string): Promise<boolean> {
    try {
      await this.#server.client.send(new HeadBucketCommand({ Bucket: name }));
      return true;
    } catch (error) {
      const meaning = s3Error(error, { url, doing: `look at the bucket ${name}` });
      if (isOperatingError(meaning, 'not_found')) return false;
      // An answer to HEAD has no body that says what is forbidden, and why; one to GET has.
      if (isOperatingError(meaning, 'denied')) await this.#listOne(name, url);
      throw meaning;
    }
  }

  async #listOne(bucket: string, url: string): Promise<void> {
    try {
      await this.#server.client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }));
    } catch (error) {
      throw s3Error(error, { url, doing: `look at the bucket ${bucket}` });
    }
  }

  /** Makes a bucket; one that is there and is the caller's own is no error. */
  async makeBucket(name: string, url: string): Promise<void> {
    // AWS's first region must not be named, by a rule of its own.
    const place = this.#region === 'us-east-1' ? {} : { LocationConstraint: this.#region as never };
    const command = new CreateBucketCommand({
      Bucket: name,
      ...(this.#region === 'us-east-1' ? {} : { CreateBucketConfiguration: place }),
    });
    try {
      await this.#server.client.send(command);
    } catch (error) {
      if (error instanceof Error && error.name === 'BucketAlreadyOwnedByYou') return;
      throw s3Error(error, { url, doing: `make the bucket ${name}` });
    }
  }

  /** The names of the caller's buckets that begin with `prefix`. */
  async buckets(prefix: string, url: string): Promise<string[]> {
    try {
      const { Buckets } = await this.#server.client.send(new ListBucketsCommand({}));
      const names = (Buckets ?? []).map(({ Name }) => Name ?? '');
      return names.filter((name) => name.startsWith(prefix) && name !== prefix);
    } catch (error) {
      throw s3Error(error, { url, doing: 'list its buckets' });
    }
  }

  /** The names of what lies below `prefix` in a bucket, up to the next slash. */
  async folders(bucket: string, prefix: string, url: string): Promise<string[]> {
    const { client, pageObjects } = this.#server;
    const names: string[] = [];
    let after: string | undefined;
    try {
      do {
        const command = new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix,
          Delimiter: '/',
          MaxKeys: pageObjects,
          ...(after === undefined ? {} : { ContinuationToken: after }),
        });
        const page = await client.send(command);
        for (const { Prefix } of page.CommonPrefixes ?? []) {
          if (Prefix !== undefined) names.push(Prefix.slice(prefix.length, -1));
        }
        after = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (after !== undefined);
    } catch (error) {
      throw s3Error(error, { url, doing: 'list its containers' });
    }
    return names.sort();
  }
}

function makeClient({ endpoint, region, profile, pathStyle }: S3Settings): S3Client {
  return new S3Client({
    ...(endpoint === undefined ? {} : { endpoint: endpoint.href }),
    ...(profile === undefined ? {} : { profile }),
    ...(region === undefined ? regionByDefault(endpoint) : { region }),
    forcePathStyle: pathStyle,
    followRegionRedirects: true,
    // A second try corrects the clock; more are made by `RetryingStore`, which waits between them.
    maxAttempts: 2,
    // Other servers than AWS know no others.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectMsMax,
      socketTimeout: silenceMsMax,
      httpAgent: { maxSockets: 64 },
      httpsAgent: { maxSockets: 64 },
    },
  });
}

/** Servers other than AWS mostly have one region, which goes by the name of AWS's first. */
function regionByDefault(endpoint: URL | undefined): { region?: string } {
  const named = process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'];
  if (named !== undefined) return { region: named };
  return endpoint === undefined ? {} : { region: 'us-east-1' };
}

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

/** One S3 server with one set of credentials. `url` is the store as errors name it. */
export interface S3Connection {
  bucket(name: string, url: string): Store;
  hasBucket(name: string, url: string): Promise<boolean>;
  /** Makes a bucket; one that is there and is the caller's own is no error. */
  makeBucket(name: string, url: string): Promise<void>;
  /** The names of the caller's buckets that begin with `prefix`. */
  buckets(prefix: string, url: string): Promise<string[]>;
  /** The names of what lies below `prefix` in a bucket, up to the next slash. */
  folders(bucket: string, prefix: string, url: string): Promise<string[]>;
}

export async function connectS3(settings: S3Settings, pageObjects: number): Promise<S3Connection> {
  const client = makeClient(settings);
  const region = await client.config.region();
  const server: S3Server = { client, pageObjects, asksForFreeNames: true };

  async function answer<T>(url: string, doing: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw s3Error(error, { url, doing });
    }
  }

  return {
    bucket: (name, url) => new S3Bucket(server, name, url),

    async hasBucket(name, url) {
      try {
        const look = () => client.send(new HeadBucketCommand({ Bucket: name }));
        await answer(url, `look at the bucket ${name}`, look);
        return true;
      } catch (error) {
        if (isOperatingError(error, 'not_found')) return false;
        throw error;
      }
    },

    async makeBucket(name, url) {
      // AWS's first region must not be named, by a rule of its own.
      const there = region === 'us-east-1' ? {} : { LocationConstraint: region as never };
      const command = new CreateBucketCommand({
        Bucket: name,
        ...(region === 'us-east-1' ? {} : { CreateBucketConfiguration: there }),
      });
      await answer(url, `make the bucket ${name}`, async () => {
        await client.send(command).catch((error: unknown) => {
          const own = error instanceof Error && error.name === 'BucketAlreadyOwnedByYou';
          if (!own) throw error;
        });
      });
    },

    async buckets(prefix, url) {
      return answer(url, 'list its buckets', async () => {
        const { Buckets } = await client.send(new ListBucketsCommand({}));
        const names = (Buckets ?? []).map(({ Name }) => Name ?? '');
        return names.filter((name) => name.startsWith(prefix) && name !== prefix);
      });
    },

    async folders(bucket, prefix, url) {
      return answer(url, 'list its containers', async () => {
        const names: string[] = [];
        let after: string | undefined;
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
        return names.sort();
      });
    },
  };
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

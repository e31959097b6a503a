import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { Readable, type Transform } from 'node:stream';
import { createInflate, createZstdDecompress } from 'node:zlib';
import { unreachable } from '../base/assert.ts';
import { MiB } from '../base/bytes.ts';
import { errnoOf, isOperatingError, messageOf, OperatingError } from '../base/errors.ts';
import type { Bucket } from '../store/open-bucket.ts';
import type { CinderObject, Compression } from './metadata.ts';

/** What is read of an object at once; an object may have two gigabytes. */
const rangeBytes = 8 * MiB;

/**
 * The plain bytes of an object, in order. Rejects with `corrupt` when they do not have the length
 * and the MD5 that the metadata gives, at the end: nothing that came before is to be relied on.
 */
export async function* readCinderObject(
  bucket: Bucket,
  object: CinderObject,
  sizeBytes: number,
): AsyncIterable<Uint8Array> {
  const { name, lengthBytes, compression, md5 } = object;
  const hash = createHash('md5');
  let done = 0;
  try {
    const stored = Readable.from(rangesOf(bucket, name, sizeBytes));
    for await (const bytes of expanded(stored, compression)) {
      done += bytes.length;
      if (done > lengthBytes) throw damaged(name, 'it is longer than it should be');
      hash.update(bytes);
      yield bytes;
    }
  } catch (error) {
    if (isOperatingError(error)) throw error;
    throw damaged(name, messageOf(error));
  }
  if (done < lengthBytes) throw damaged(name, 'it is shorter than it should be');
  if (hash.digest('hex') !== md5) throw damaged(name, 'its MD5 is not the one that Cinder noted');
}

async function* rangesOf(bucket: Bucket, name: string, sizeBytes: number) {
  for (let offsetBytes = 0; offsetBytes < sizeBytes; offsetBytes += rangeBytes) {
    const lengthBytes = Math.min(rangeBytes, sizeBytes - offsetBytes);
    yield await bucket.get(name, { range: { offsetBytes, lengthBytes } });
  }
}

function expanded(stored: Readable, compression: Compression): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'none':
      return stored;
    case 'zlib':
      return through(stored, createInflate());
    case 'zstd':
      return through(stored, createZstdDecompress());
    case 'bz2':
      return bunzip(stored);
    default:
      return unreachable(compression);
  }
}

function through(stored: Readable, transform: Transform): Transform {
  stored.on('error', (error) => transform.destroy(error));
  return stored.pipe(transform);
}

/** By Debian's `bzip2`: Node has no bzip2, and Cinder's users seldom do. */
async function* bunzip(stored: Readable): AsyncIterable<Uint8Array> {
  const child = spawn('bzip2', ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  child.stderr.on('data', (text: Buffer) => said.push(text));
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => {
      const missing = errnoOf(error) === 'ENOENT';
      const why = 'backups that are compressed by bz2 need the program bzip2: install it';
      reject(missing ? new OperatingError('unavailable', why, { cause: error }) : error);
    });
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(Buffer.concat(said).toString().trim()));
    });
  });
  // Told by `ended`; what the program does not want any more is its own affair.
  child.stdin.on('error', () => stored.destroy());
  stored.on('error', () => child.kill());
  stored.pipe(child.stdin);
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
  } finally {
    child.kill();
  }
  await ended;
}

function damaged(name: string, why: string): OperatingError {
  return new OperatingError('corrupt', `the object ${name} is damaged: ${why}`);
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isOperatingError, type ErrorCode } from '../base/errors.ts';
import { openStoreRoot } from './open-root.ts';
import { s3Error } from './s3-errors.ts';

/** An error as the client makes one of a server's answer. */
function answered(name: string, status: number, message = ''): Error {
  const error = new Error(message);
  return Object.assign(error, { name, $metadata: { httpStatusCode: status } });
}

const where = { url: 's3://backups', doing: 'write packs/a', object: 'packs/a' };

describe('an S3 store', () => {
  it('says what an answer means, and what to do', () => {
    const cases: [Error, ErrorCode, RegExp][] = [
      [answered('InvalidAccessKeyId', 403), 'denied', /access key is not known.*AWS_ACCESS_KEY_ID/],
      [answered('SignatureDoesNotMatch', 403), 'denied', /secret key does not fit/],
      [answered('RequestTimeTooSkewed', 403), 'denied', /clock.*NTP/],
      [answered('AuthorizationHeaderMalformed', 400), 'denied', /region=/],
      [answered('PermanentRedirect', 301), 'denied', /another region/],
      [answered('BucketAlreadyExists', 409), 'denied', /belongs to somebody else/],
      [answered('ExpiredToken', 400), 'denied', /has expired/],
      [answered('403', 403, 'UnknownError'), 'denied', /forbids it/],
      [answered('QuotaExceeded', 403), 'no_space', /quota/],
      [answered('Unknown', 507), 'no_space', /full/],
      [answered('EntityTooLarge', 400), 'no_space', /quota used up/],
      [answered('NoSuchBucket', 404), 'unavailable', /is not there/],
      [answered('NoSuchKey', 404), 'not_found', /holds no packs\/a/],
      [answered('SlowDown', 503), 'unavailable', /busy: it answered 503 SlowDown/],
      [answered('XAmzContentSHA256Mismatch', 400), 'io', /changed on their way/],
      [answered('MethodNotAllowed', 405, 'no such method'), 'io', /405 no such method/],
      [named('CredentialsProviderError'), 'denied', /no credentials.*profile=NAME/],
      [named('AbortError'), 'aborted', /told to stop/],
      [system('ECONNREFUSED'), 'unavailable', /does not answer: ECONNREFUSED/],
      [system('SELF_SIGNED_CERT_IN_CHAIN'), 'denied', /NODE_EXTRA_CA_CERTS/],
    ];
    for (const [error, code, text] of cases) {
      const meaning = s3Error(error, where);
      assert.ok(isOperatingError(meaning, code), error.name);
      assert.match(meaning.message, text);
      assert.match(meaning.message, /s3:\/\/backups|told to stop/);
    }
  });

  it('is refused when its URL cannot be right, and a secret in it is not repeated', () => {
    const refused = (url: string, text: RegExp): void => {
      assert.throws(
        () => openStoreRoot(url),
        (error) => isOperatingError(error, 'invalid_input') && text.test(error.message),
        url,
      );
    };
    refused('s3://key:hush@bucket', /^(?!.*hush).*do not belong in the URL/);
    refused('s3://bucket?secret=hush', /^(?!.*hush).*setting secret/);
    refused('s3://bucket?endpoint=ftp://x', /endpoint that is no http/);
    refused('s3://bucket?endpoint=http://key:hush@x', /^(?!.*hush).*endpoint that is no http/);
    refused('s3://bucket?region=a&region=b', /region twice/);
    refused('s3://Bucket_1', /S3 cannot have/);
    refused('s3://bucket?bucket-prefix=x', /names a bucket, and a prefix/);
    refused('s3://bucket?addressing=sideways', /neither host nor path/);
  });

  it('knows the names that its containers can have', () => {
    const buckets = openStoreRoot('s3://?bucket-prefix=firn-');
    const folders = openStoreRoot('s3://bucket');
    for (const name of ['volumebackups', 'a.b-c', '9']) {
      buckets.checkContainer(name);
      folders.checkContainer(name);
    }
    folders.checkContainer('Upper_Case');
    for (const name of ['Upper', 'under_score', 'a..b', 'x-', 'x'.repeat(60)]) {
      assert.throws(() => buckets.checkContainer(name), { code: 'invalid_input' }, name);
    }
  });
});

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}

function system(errno: string): Error {
  return Object.assign(new Error(errno), { code: errno });
}

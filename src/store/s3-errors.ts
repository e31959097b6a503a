import type { ErrorCode } from '../base/errors.ts';
import { errnoOf, isOperatingError, messageOf, OperatingError } from '../base/errors.ts';

interface Doing {
  /** The store, for people. */
  readonly url: string;
  readonly doing: string;
  /** The object it is about; undefined for the bucket itself. */
  readonly object?: string;
}

/** What the server's error code means and what to do about it; `%` stands for the store. */
const meanings: Record<string, readonly [ErrorCode, string]> = {
  InvalidAccessKeyId: [
    'denied',
    'the access key is not known to %: look at AWS_ACCESS_KEY_ID, or the profile in use',
  ],
  SignatureDoesNotMatch: [
    'denied',
    'the secret key does not fit the access key of %: look at AWS_SECRET_ACCESS_KEY, or the ' +
      'profile in use',
  ],
  ExpiredToken: ['denied', 'the session token for % has expired: get new credentials'],
  TokenRefreshRequired: ['denied', 'the session token for % has expired: get new credentials'],
  InvalidToken: ['denied', 'the session token for % is wrong: look at AWS_SESSION_TOKEN'],
  CredentialsProviderError: [
    'denied',
    'there are no credentials for %: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a ' +
      'profile of ~/.aws/credentials with profile=NAME in the URL',
  ],
  AccessDenied: [
    'denied',
    '% forbids it: the credentials need the rights to list, get, put and delete objects there',
  ],
  AllAccessDisabled: ['denied', 'access to % is disabled: ask who owns the bucket'],
  AccountProblem: ['denied', 'there is a problem with the account at %: ask its provider'],
  RequestTimeTooSkewed: [
    'denied',
    "this machine's clock and that of % differ by too much: set the clock, best by NTP",
  ],
  AuthorizationHeaderMalformed: ['denied', 'the region is not that of %: set region= in the URL'],
  PermanentRedirect: [
    'denied',
    'the bucket of % is in another region or behind another endpoint: set region= or endpoint=',
  ],
  IllegalLocationConstraintException: [
    'denied',
    'the region is not that of %: set region= in the URL',
  ],
  InvalidLocationConstraint: ['denied', 'the region is not one of %: set region= in the URL'],
  BucketAlreadyExists: [
    'denied',
    'the bucket of % belongs to somebody else: choose another name, or ask its owner for access',
  ],
  TooManyBuckets: ['no_space', 'the account at % may have no more buckets'],
  QuotaExceeded: ['no_space', 'the quota of % is used up'],
  InsufficientCapacity: ['no_space', '% is full'],
  // Swift's answer when a quota is used up; no server takes too little for Firn's objects.
  EntityTooLarge: ['no_space', '% does not take an object of this size: is its quota used up?'],
  NoSuchBucket: [
    'unavailable',
    'the bucket of % is not there: was it removed, or is its name or the endpoint wrong?',
  ],
  XAmzContentSHA256Mismatch: ['io', 'the bytes changed on their way to %'],
  BadDigest: ['io', 'the bytes changed on their way to %'],
  IncompleteBody: ['io', 'the connection to % ended in the middle'],
};

const namesOfMissing = new Set(['NoSuchKey', 'NotFound']);

/** Codes and statuses after which the same request may work later. */
const busy = new Set(['SlowDown', 'ServiceUnavailable', 'RequestTimeout', 'InternalError']);
const busyStatuses = new Set([408, 409, 429, 500, 502, 503, 504]);

/** The same for a removal, which more than rights may stand in the way of. */
const removalForbidden: readonly [ErrorCode, string] = [
  'denied',
  '% does not let Firn remove objects: look for an object lock, a retention rule or a policy of ' +
    'the bucket, and for the right to delete',
];

/** Says what an error of the S3 client means for a person who looks after the store. */
export function s3Error(error: unknown, { url, doing, object }: Doing): unknown {
  if (isOperatingError(error)) return error;
  if (!(error instanceof Error)) return error;
  if (error.name === 'AbortError')
    return new OperatingError('aborted', 'the work was told to stop');
  // The client's error is not kept as cause: it holds the request, and so the credentials' id.
  const code = codeOf(error);
  const status = statusOf(error);
  const isForbidden = code === 'AccessDenied' || (status === 403 && meanings[code] === undefined);
  const known =
    isForbidden && doing.startsWith('remove ')
      ? removalForbidden
      : (meanings[code] ?? meaningOfStatus(status, object));
  if (known !== undefined) {
    const because = said(error) === '' ? '' : ` (${said(error)})`;
    return new OperatingError(known[0], `${known[1].replace('%', url)}${because}`);
  }
  if (namesOfMissing.has(code) || status === 404) {
    return new OperatingError('not_found', `the store ${url} holds no ${object ?? 'such bucket'}`);
  }
  if (busy.has(code) || (status !== undefined && busyStatuses.has(status))) {
    const answer = status === undefined ? code : `${status} ${code}`;
    return new OperatingError('unavailable', `the store ${url} is busy: it answered ${answer}`);
  }
  if (status === undefined) return unreachable(error, url);
  return new OperatingError('io', `the store ${url} could not ${doing}: ${status} ${said(error)}`);
}

/** An answer without a body, to HEAD, has a status only. */
function meaningOfStatus(
  status: number | undefined,
  object: string | undefined,
): readonly [ErrorCode, string] | undefined {
  if (status === 403) return meanings['AccessDenied'];
  if (status === 301) return meanings['PermanentRedirect'];
  if (status === 400 && object !== undefined) {
    return ['denied', '% refuses the request: is the region right, and the endpoint one of S3?'];
  }
  if (status === 507) return meanings['InsufficientCapacity'];
  return undefined;
}

function unreachable(error: Error, url: string): OperatingError {
  const errno = errnoOf(error) ?? '';
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(errno)) {
    return new OperatingError(
      'denied',
      `the certificate of the store ${url} is not to be trusted (${errno}): NODE_EXTRA_CA_CERTS ` +
        'names a file with the certificates of a CA of your own',
    );
  }
  const where = errno === '' ? messageOf(error) : `${errno} ${hostOf(error)}`.trim();
  return new OperatingError('unavailable', `the store ${url} does not answer: ${where}`);
}

function hostOf(error: Error): string {
  if ('hostname' in error && typeof error.hostname === 'string') return error.hostname;
  if ('address' in error && typeof error.address === 'string') {
    return 'port' in error ? `${error.address}:${String(error.port)}` : error.address;
  }
  return '';
}

export function statusOf(error: unknown): number | undefined {
  return figureOf(error, 'httpStatusCode');
}

/** How often the client has asked before it gave up with `error`. */
export function triesOf(error: unknown): number {
  return figureOf(error, 'attempts') ?? 1;
}

function figureOf(error: unknown, name: string): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const figure: unknown = Reflect.get(metadata, name);
  return typeof figure === 'number' ? figure : undefined;
}

function codeOf(error: Error): string {
  if (error.name !== 'Error' && error.name !== 'S3ServiceException') return error.name;
  return 'Code' in error && typeof error.Code === 'string' ? error.Code : error.name;
}

/** What the server said, in one short line. */
function said(error: Error): string {
  const text = error.message.replaceAll(/\s+/g, ' ').trim();
  return text === 'UnknownError' ? '' : text.slice(0, 120);
}

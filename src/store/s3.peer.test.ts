import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { hasCeph, startCeph, type TemporaryCeph } from '../../test/servers/ceph.ts';
import { hasSwift, startSwift, type TemporaryServer } from '../../test/servers/swift.ts';
import { startCountingProxy } from '../../test/servers/counting-proxy.ts';
import type { ErrorCode } from '../base/errors.ts';
import { isOperatingError, messageOf } from '../base/errors.ts';
import { newHexId } from '../base/ids.ts';
import { openStoreRoot } from './open-root.ts';
import { openS3Root } from './s3.ts';
import { storeContract } from './store-contract.ts';

const needed = process.env['CI'] === 'true';

/** The credentials of whoever opens a root from here on. */
function signInAs(accessKey: string, secretKey: string): void {
  process.env['AWS_ACCESS_KEY_ID'] = accessKey;
  process.env['AWS_SECRET_ACCESS_KEY'] = secretKey;
}

function says(code: ErrorCode, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.match(messageOf(error), text);
    return isOperatingError(error, code);
  };
}

const noCeph = !hasCeph && !needed && 'Ceph is not installed: apt-get install radosgw ceph-osd …';

describe('with a real Ceph RGW', { skip: noCeph }, () => {
  let ceph: TemporaryCeph;
  before(async () => {
    ceph = await startCeph();
    await ceph.makeUser({ name: 'owner', accessKey: 'owner-key', secretKey: 'owner-secret' });
    await ceph.makeUser({ name: 'other', accessKey: 'other-key', secretKey: 'other-secret' });
    signInAs('owner-key', 'owner-secret');
  });
  after(() => ceph.stop());

  const at = (place: string, more = ''): string =>
    `s3://${place}?endpoint=${encodeURIComponent(ceph.url)}${more}`;

  storeContract('S3 of Ceph, containers are buckets', async () => ({
    root: openStoreRoot(at('', `&bucket-prefix=t${newHexId()}-`)),
    dispose: async () => {},
  }));

  storeContract('S3 of Ceph, containers are folders of one bucket', async () => {
    const bucket = `firn-${newHexId()}`;
    await openStoreRoot(at('')).open(bucket, { create: true });
    const root = openS3Root(at(`${bucket}/some/where`), { pageObjects: 40 });
    return { root, dispose: async () => {} };
  });

  it('tells what is wrong with credentials, and never shows them', async () => {
    const bucket = `firn-${newHexId()}`;
    await openStoreRoot(at('')).open(bucket, { create: true });
    signInAs('nobody-key', 'owner-secret');
    const unknown = openStoreRoot(at(bucket)).open('c', { create: true });
    await assert.rejects(unknown, says('denied', /access key is not known/));
    signInAs('owner-key', 'wrong-secret');
    const wrong = openStoreRoot(at(bucket)).open('c', { create: true });
    await assert.rejects(wrong, says('denied', /^(?!.*wrong-secret).*secret key does not fit/));
    signInAs('other-key', 'other-secret');
    const foreign = openStoreRoot(at(bucket)).open('c', { create: true });
    await assert.rejects(foreign, says('denied', /forbids it/));
    for (const [key, secret, text] of [
      ['nobody-key', 'x', /access key is not known/],
      ['owner-key', 'wrong-secret', /^(?!.*wrong-secret).*secret key does not fit/],
    ] as const) {
      signInAs(key, secret);
      const container = openStoreRoot(at('')).open(bucket, { create: false });
      await assert.rejects(container, says('denied', text));
    }
    signInAs('other-key', 'other-secret');
    const taken = openStoreRoot(at('')).open(bucket, { create: true });
    await assert.rejects(taken, says('denied', /forbids it|belongs to somebody else/));
    signInAs('owner-key', 'owner-secret');
  });

  it('tells what it may not remove, and that a lock keeps what is removed', async () => {
    const client = new S3Client({
      endpoint: ceph.url,
      region: 'us-east-1',
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    const [bucket, locked] = [`firn-${newHexId()}`, `firn-${newHexId()}`];
    const root = openStoreRoot(at(''));
    const store = await root.open(bucket, { create: true });
    await store.put('a', [Buffer.from('1')]);
    const Resource = [`arn:aws:s3:::${bucket}/*`];
    const deny = { Effect: 'Deny', Principal: '*', Action: ['s3:DeleteObject'], Resource };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [deny] });
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    await assert.rejects(store.remove('a'), says('denied', /not let Firn remove.*object lock/));
    assert.equal(Buffer.from(await store.get('a')).toString(), '1');
    await client.send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
    await store.remove('a');
    assert.equal(await store.sizeOf('a'), undefined);
    assert.equal(await store.keepsRemoved?.(), undefined);

    await client.send(
      new CreateBucketCommand({ Bucket: locked, ObjectLockEnabledForBucket: true }),
    );
    const kept = await root.open(locked, { create: false });
    await kept.put('a', [Buffer.from('1')]);
    await kept.remove('a');
    assert.equal(await kept.sizeOf('a'), undefined);
    assert.match((await kept.keepsRemoved?.()) ?? '', /keeps versions/);
    client.destroy();
  });

  it('takes for done what was done and never answered, and nothing else', async (t) => {
    const proxy = await startCountingProxy(ceph.url);
    t.after(() => proxy.stop());
    const bucket = `firn-${newHexId()}`;
    const root = openStoreRoot(`s3://?endpoint=${encodeURIComponent(proxy.url)}`);
    const store = await root.open(bucket, { create: true });
    let lost = 0;
    const loseOne = (): void => {
      lost = 0;
      proxy.disturb = ({ method }) =>
        method === 'PUT' && (lost += 1) === 1 ? 'unheard' : undefined;
    };
    for (const name of ['a', 'b', 'c']) {
      loseOne();
      await store.put(name, [Buffer.from('one '), Buffer.from(name)]);
      assert.equal(lost, 2, 'it was put again');
      assert.equal(Buffer.from(await store.get(name)).toString(), `one ${name}`);
    }
    proxy.disturb = () => undefined;
    await assert.rejects(store.put('a', [Buffer.from('one a')]), { code: 'exists' });
    loseOne();
    await store.put('a', [Buffer.from('two')], { replace: true });
    proxy.disturb = ({ method }) =>
      method === 'PUT' && (lost += 1) === 3 ? { status: 503, body: '' } : undefined;
    await assert.rejects(store.put('a', [Buffer.from('other')]), { code: 'exists' });
    assert.equal(lost, 4, 'it was put again');
    assert.equal(Buffer.from(await store.get('a')).toString(), 'two');
    await store.close();
  });

  it('tells a bucket that is missing, and a server that does not answer', async () => {
    const missing = openStoreRoot(at(`firn-${newHexId()}`)).open('c', { create: true });
    await assert.rejects(missing, says('unavailable', /is not there/));
    const nobody = openStoreRoot('s3://bucket?endpoint=http://127.0.0.1:9').containers();
    await assert.rejects(nobody, says('unavailable', /does not answer: ECONNREFUSED/));
  });
});

const noSwift = !hasSwift && !needed && 'Swift is not installed: apt-get install swift-proxy …';

describe("with a real Swift's S3 face", { skip: noSwift }, () => {
  let swift: TemporaryServer;
  before(async () => {
    swift = await startSwift();
    signInAs('test:tester', 'testing');
  });
  after(() => swift.stop());

  const at = (place: string, more = ''): string =>
    `s3://${place}?endpoint=${encodeURIComponent(swift.url)}${more}`;

  storeContract(
    "Swift's S3 face",
    async () => ({
      root: openS3Root(at('', `&bucket-prefix=t${newHexId()}-`), { pageObjects: 40 }),
      dispose: async () => {},
    }),
    { racesUntold: true, replaces: true },
  );

  it('tells a wrong region, and what to set', async () => {
    const root = openStoreRoot(at('', '&region=mars-north-1'));
    await assert.rejects(root.containers(), says('denied', /region/));
  });
});

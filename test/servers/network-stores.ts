/** Real stores over the network, each behind a proxy that counts and may disturb. */
import { assert } from '../../src/base/assert.ts';
import { hasCeph, startCeph } from './ceph.ts';
import { type CountingProxy, startCountingProxy } from './counting-proxy.ts';
import { hasSwift, startSwift } from './swift.ts';

export interface NetworkStore {
  /** What `--store` takes; the credentials are in this process's environment. */
  readonly storeUrl: string;
  readonly proxy: CountingProxy;
  /** Lets the container take so many bytes by the server's own quota; undefined: no quota. */
  readonly limit: (container: string, bytes: number | undefined) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** What a test is given that runs on every kind of them. */
export interface NetworkStoreKind {
  readonly name: string;
  /** Why a test that needs it is left out; false: it is not. */
  readonly skip: string | false;
  /** Whether its listings may lag, for which each prune waits half a minute. */
  readonly isListedLate: boolean;
  readonly start: () => Promise<NetworkStore>;
}

const isNeeded = process.env['CI'] === 'true';

export const networkStores: readonly NetworkStoreKind[] = [
  { name: 'Ceph RGW', skip: reasonToSkip('Ceph RGW', hasCeph), isListedLate: false, start: onCeph },
  { name: 'Swift', skip: reasonToSkip('Swift', hasSwift), isListedLate: true, start: onSwift },
];

function reasonToSkip(name: string, isThere: boolean): string | false {
  return !isThere && !isNeeded && `not installed: ${name}`;
}

async function onCeph(): Promise<NetworkStore> {
  const ceph = await startCeph();
  await ceph.makeUser({ name: 'owner', accessKey: 'owner-key', secretKey: 'owner-secret' });
  const proxy = await startCountingProxy(ceph.url);
  process.env['AWS_ACCESS_KEY_ID'] = 'owner-key';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'owner-secret';
  return {
    storeUrl: `s3://?endpoint=${encodeURIComponent(proxy.url)}`,
    proxy,
    limit: (_container, bytes) => ceph.setQuota('owner', bytes),
    async stop() {
      await proxy.stop();
      await ceph.stop();
    },
  };
}

async function onSwift(): Promise<NetworkStore> {
  const swift = await startSwift();
  const proxy = await startCountingProxy(swift.url);
  process.env['ST_AUTH'] = `${proxy.url}/auth/v1.0`;
  process.env['ST_USER'] = 'test:tester';
  process.env['ST_KEY'] = 'testing';
  return {
    storeUrl: 'swift://',
    proxy,
    async limit(container, bytes) {
      const credentials = { 'x-auth-user': 'test:tester', 'x-auth-key': 'testing' };
      const login = await fetch(`${swift.url}/auth/v1.0`, { headers: credentials });
      const answer = await fetch(`${swift.url}/v1/AUTH_test/${container}`, {
        method: 'POST',
        headers: {
          'x-auth-token': login.headers.get('x-auth-token') ?? '',
          'x-container-meta-quota-bytes': bytes === undefined ? '' : String(bytes),
        },
      });
      assert(answer.ok, `the quota is set: ${answer.status}`);
    },
    async stop() {
      await proxy.stop();
      await swift.stop();
    },
  };
}

import assert from 'node:assert/strict';
import test from 'node:test';
import { isOperatingError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import { Client } from './client.ts';
import { openScriptedServer, scriptedVolume } from './scripted-server.ts';
import type { Play, ScriptedServer } from './scripted-server.ts';
import { waitForDeletion, waitForStatus } from './wait.ts';

async function withStub(
  play: Play,
  work: (scripted: ScriptedServer) => Promise<void>,
): Promise<void> {
  const scripted = await openScriptedServer(play);
  try {
    await work(scripted);
  } finally {
    await scripted.close();
  }
}

async function refusal(promise: Promise<unknown>): Promise<{ code: ErrorCode; message: string }> {
  const error = await promise.then(
    () => new Error('it did not reject'),
    (thrown: unknown) => thrown,
  );
  if (isOperatingError(error)) return error;
  throw error;
}

const showOne: Play = ({ path }) =>
  path.startsWith('/volumes/v1') ? { body: { volume: scriptedVolume({ id: 'v1' }) } } : undefined;

test('one login serves many calls, and a token that has ended is renewed once', async () => {
  await withStub(showOne, async (scripted) => {
    const client = new Client(scripted.cloud);
    await Promise.all([client.volumes.show('v1'), client.volumes.show('v1')]);
    assert.equal(scripted.logins(), 1);
    assert.equal(scripted.requests[0]?.headers['openstack-api-version'], 'volume 3.71');
    scripted.expireTokens();
    assert.equal((await client.volumes.show('v1')).id, 'v1');
    assert.equal(scripted.logins(), 2);
  });
});

test('a wrong password is tried once only', async () => {
  await withStub(showOne, async (scripted) => {
    const client = new Client({ ...scripted.cloud, password: 'wrong' });
    const error = await refusal(client.volumes.show('v1'));
    assert.equal(error.code, 'unauthenticated');
    assert.equal(error.message, 'Who are you?');
    assert.equal(scripted.logins(), 1);
  });
});

test('errors have the code of the status and the words of the server', async () => {
  const faults: [number, string, ErrorCode][] = [
    [400, 'badRequest', 'invalid_input'],
    [403, 'forbidden', 'forbidden'],
    [409, 'conflictingRequest', 'conflict'],
    [413, 'overLimit', 'quota_exceeded'],
    [503, 'serviceUnavailable', 'unavailable'],
    [500, 'computeFault', 'unavailable'],
  ];
  for (const [status, fault, code] of faults) {
    const play: Play = () => ({ status, body: { [fault]: { code: status, message: 'Because' } } });
    await withStub(play, async (scripted) => {
      const error = await refusal(new Client(scripted.cloud).volumes.show('v1'));
      assert.deepEqual([error.code, error.message], [code, 'Because']);
    });
  }
});

test('what is no answer of this API is refused, not believed', async () => {
  const plays: Play[] = [
    () => ({ body: '<html>a proxy</html>' }),
    () => ({ body: { volume: null } }),
    () => ({ body: { volume: scriptedVolume({ id: 5 }) } }),
    () => ({ body: [] }),
  ];
  for (const play of plays) {
    await withStub(play, async (scripted) => {
      assert.equal((await refusal(new Client(scripted.cloud).volumes.show('v1'))).code, 'corrupt');
    });
  }
  await withStub(
    () => ({ status: 502, body: '<html>Bad gateway</html>' }),
    async (scripted) => {
      const error = await refusal(new Client(scripted.cloud).volumes.show('v1'));
      assert.equal(error.message, `${scripted.url} answered with HTTP status 502`);
    },
  );
});

test('a server that is not there is named', async () => {
  const scripted = await openScriptedServer(() => undefined);
  await scripted.close();
  const error = await refusal(new Client(scripted.cloud).volumes.show('v1'));
  assert.equal(error.code, 'unavailable');
  assert.equal(error.message, `${scripted.url} does not answer: connection refused`);
});

test('a list goes over all pages', async () => {
  const rows = Array.from({ length: 1203 }, (_, n) => scriptedVolume({ id: `v${n}` }));
  const play: Play = ({ path }) => {
    const query = new URL(path, 'http://scripted').searchParams;
    const start = rows.findIndex((row) => row['id'] === query.get('marker')) + 1;
    return { body: { volumes: rows.slice(start, start + Number(query.get('limit'))) } };
  };
  await withStub(play, async (scripted) => {
    const volumes = await Array.fromAsync(new Client(scripted.cloud).volumes.list());
    assert.deepEqual(
      volumes.map((volume) => volume.id),
      rows.map((row) => row['id']),
    );
    assert.equal(scripted.requests.length, 3);
  });
});

test('a name that one has is found, one that two have is not guessed', async () => {
  const rows = ['one', 'two', 'two'].map((name, n) => scriptedVolume({ id: `v${n}`, name }));
  const play: Play = ({ path }) => {
    const url = new URL(path, 'http://scripted');
    if (url.pathname !== '/volumes/detail') return undefined;
    return {
      body: { volumes: rows.filter((row) => row['name'] === url.searchParams.get('name')) },
    };
  };
  await withStub(play, async (scripted) => {
    const { volumes } = new Client(scripted.cloud);
    assert.equal((await volumes.find('one')).id, 'v0');
    assert.equal((await refusal(volumes.find('two'))).code, 'invalid_input');
    assert.equal((await refusal(volumes.find('../x?y'))).message, 'There is no volume ../x?y');
    assert.ok(scripted.requests.some(({ path }) => path === '/volumes/..%2Fx%3Fy'));
  });
});

test('waiting ends with the status, with an error, or with the time', async () => {
  const statuses = ['creating', 'creating', 'available'];
  const look = async () => ({ status: statuses.shift() ?? 'available' });
  const seen: string[] = [];
  const onLook = ({ status }: { status: string }) => void seen.push(status);
  await waitForStatus({ look, until: 'available', what: 'backup b', onLook });
  assert.deepEqual(seen, ['creating', 'creating', 'available']);
  const failed = await refusal(
    waitForStatus({
      look: async () => ({ status: 'error', fail_reason: 'The store is full' }),
      until: 'available',
      what: 'backup b',
    }),
  );
  assert.equal(failed.message, 'backup b is error: The store is full');
  const late = await refusal(
    waitForStatus({
      look: async () => ({ status: 'creating' }),
      until: 'available',
      what: 'backup b',
      timeoutMs: 60,
    }),
  );
  assert.equal(late.code, 'unavailable');
});

test('a deletion has ended when nothing is found', async () => {
  let looks = 0;
  const play: Play = () => {
    looks += 1;
    return looks < 3
      ? { body: { volume: scriptedVolume({ id: 'v1', status: 'deleting' }) } }
      : undefined;
  };
  await withStub(play, async (scripted) => {
    const { volumes } = new Client(scripted.cloud);
    await waitForDeletion({ look: () => volumes.show('v1'), what: 'volume v1' });
    assert.equal(looks, 3);
  });
  const failed = await refusal(
    waitForDeletion({ look: async () => ({ status: 'error_deleting' }), what: 'volume v' }),
  );
  assert.equal(failed.message, 'volume v is error_deleting');
});

/**
 * The methods of the API references (docs/api), asked of Firn one by one: what the tables call
 * served is, what they call absent is not and says so in docs/compatibility.md, and no route is
 * missing from them.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { newId } from '../base/ids.ts';
import { openWalk, type Walk } from './walk-fixture.ts';

const folder = new URL('../../docs/', import.meta.url);
const states = ['served', 'refused', 'absent', 'added'];
const faces = {
  '/volume': 'block-storage-v3',
  '/identity': 'identity-v3',
  '/image': 'image-v2',
} as const;

interface Row {
  readonly method: string;
  /** Below the face, with `{id}` for what is named. */
  readonly path: string;
  /** The action that the body names, if it is one. */
  readonly action: string | undefined;
  /** NN of the microversion 3.NN that brought it. */
  readonly since: number;
  readonly state: string;
  /** Words of docs/compatibility.md beside which the reason stands. */
  readonly see: string | undefined;
}

async function rowsOf(name: string): Promise<Row[]> {
  const text = await readFile(new URL(`api/${name}.tsv`, folder), 'utf8');
  const [heads, ...lines] = text.trimEnd().split('\n');
  assert.equal(heads, 'method\tpath\taction\tsince\tstate\tsee');
  return lines.map((line) => {
    const cells = line.split('\t').map((cell) => (cell === '-' ? undefined : cell));
    const [method = '', path = '', action, since = '3.0', state = '', see] = cells;
    assert.ok(states.includes(state), line);
    return { method, path, action, since: Number(since.slice(2)), state, see };
  });
}

interface Asked {
  readonly row: Row;
  readonly base: string;
  readonly minor: number;
  readonly token: string;
}

/** Whether Firn knows a method, path and action, whatever it answers for an id that is none. */
async function isKnown({ app }: Walk, { row, base, minor, token }: Asked): Promise<boolean> {
  const { method, action } = row;
  const url = `${base}${row.path === '/' ? '' : row.path}`.replaceAll(/\{\w+\}/g, newId);
  const body = action === undefined ? {} : { [action]: {} };
  const ask = (how: string) =>
    app.inject({
      method: how as 'GET',
      url,
      headers: { 'x-auth-token': token, 'openstack-api-version': `volume 3.${minor}` },
      ...(['POST', 'PUT', 'PATCH'].includes(how) ? { payload: body } : {}),
    });
  const reply = await ask(method === 'HEAD' ? 'GET' : method);
  if (method === 'HEAD') assert.equal((await ask('HEAD')).statusCode, reply.statusCode, url);
  assert.ok(reply.statusCode < 500, `${method} ${url}: ${reply.statusCode}`);
  if (row.state === 'refused') assert.ok(reply.statusCode >= 400, `${method} ${url} is refused`);
  return !/The resource could not be found\.|There is no such action/.test(reply.body);
}

for (const [base, name] of Object.entries(faces)) {
  test(`${name}: each method of the reference is what its table says`, async (t) => {
    const walk = await openWalk(t);
    const token = await walk.login('ann');
    const project = (await walk.identity.validate(token)).project?.id ?? '';
    const faults: string[] = [];
    const rows = await rowsOf(name);
    for (const row of rows) {
      const wanted = row.state !== 'absent';
      const told = `${row.method} ${row.path} ${row.action ?? ''}`;
      const asked = { row, base, minor: row.since, token };
      if ((await isKnown(walk, asked)) !== wanted) faults.push(`${told} is not ${row.state}`);
      if (base !== '/volume' || !row.path.startsWith('/v3/')) continue;
      const path = row.path.replace('/v3/', `/v3/${project}/`);
      const within = { ...asked, row: { ...row, path } };
      if ((await isKnown(walk, within)) !== wanted) faults.push(`${told} within a project`);
      if (row.since === 0 || row.action !== undefined) continue;
      const early = { ...asked, minor: row.since - 1 };
      if (await isKnown(walk, early)) faults.push(`${told} is there before 3.${row.since}`);
    }
    assert.deepEqual(faults, []);
    assert.ok(rows.length > 40, `${rows.length} methods`);
  });

  test(`${name}: its table has every route, and a reason for each no`, async (t) => {
    const walk = await openWalk(t);
    const rows = await rowsOf(name);
    const plain = ({ method, path }: { method: string; path: string }): string =>
      `${method} ${path.replaceAll(/\{\w+\}|:\w+/g, '*')}`;
    const listed = new Set(rows.map(plain));
    const verbs = /\/os-services\/\*$/;
    const missing = walk.routes
      .filter(({ url }) => url === base || url.startsWith(`${base}/`))
      .map(({ method, url }) => plain({ method, path: url.slice(base.length) || '/' }))
      .filter((route) => !route.endsWith('/openapi.json') && !verbs.test(route))
      .filter((route) => !listed.has(route));
    assert.deepEqual(missing, []);
    const document = await readFile(new URL('compatibility.md', folder), 'utf8');
    for (const { method, path, action = '', state, see } of rows) {
      const told = `${method} ${path} ${action}`;
      const needsReason = state === 'refused' || state === 'absent';
      assert.equal(see !== undefined, needsReason, told);
      if (see !== undefined) assert.ok(document.includes(`\`${see}\``), `${told}: ${see}`);
    }
  });
}

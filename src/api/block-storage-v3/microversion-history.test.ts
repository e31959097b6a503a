/**
 * Every microversion of Block Storage (Cinder's REST API version history, 3.1 to 3.71): the same
 * request before and since, and what is to be seen of the change. Those that change nothing here
 * say why.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { newId } from '../../base/ids.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { microversionMax } from '../microversion.ts';
import { sampleMessage, sampleTransfer } from '../objects-fixture.ts';
import { openHistory, type Ask, type History } from './history-fixture.ts';

const none = '00000000-0000-4000-8000-000000000000';

type Probe = (ask: Ask, scene: History) => Promise<unknown>;

/** A change that came with 3.NN: what the probe finds at the version before, and since. */
type Change = readonly [probe: Probe, before: unknown, since: unknown];

const status =
  (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string | Of,
    body?: object,
    who = 'max',
  ): Probe =>
  async (ask, scene) => {
    const at = typeof path === 'string' ? path : path(scene);
    return (await ask({ who, method, path: at, ...(body === undefined ? {} : { body }) })).status;
  };

type Of = (scene: History) => string;

/** Whether an object that is shown has a field; a list's first. */
const has =
  (path: Of, envelope: string, field: string, who = 'max'): Probe =>
  async (ask, scene) => {
    const shown = (await ask({ who, path: path(scene) })).body[envelope];
    const one = Array.isArray(shown) ? shown[0] : shown;
    assert.ok(isJsonObject(one), `${envelope} is shown at ${path(scene)}`);
    return Object.hasOwn(one, field);
  };

/** How many a list has. */
const count =
  (path: string, kind: string, who = 'max'): Probe =>
  async (ask) => {
    const { body } = await ask({ who, path });
    const shown = body[kind];
    return Array.isArray(shown) ? shown.length : JSON.stringify(body);
  };

const some =
  (path: string, kind: string, who = 'max'): Probe =>
  async (ask, scene) =>
    Number(await count(path, kind, who)(ask, scene)) > 0;

/** Whether an action is known at all, whatever comes of it. */
const known =
  (path: Of, body: JsonObject, who = 'max'): Probe =>
  async (ask, scene) => {
    const { status, body: said } = await ask({ who, method: 'POST', path: path(scene), body });
    return !(status === 404 && /The resource could not be found/.test(JSON.stringify(said)));
  };

const volume: Of = ({ ids }) => `/volumes/${ids.volume}`;
const snapshot: Of = ({ ids }) => `/snapshots/${ids.snapshot}`;
const backup: Of = ({ ids }) => `/backups/${ids.backup}`;
const group: Of = ({ ids }) => `/groups/${ids.group}`;
const act =
  (of: Of): Of =>
  (scene) =>
    `${of(scene)}/action`;
const query = (name: string, value: string): string => `${name}=${encodeURIComponent(value)}`;

const upload = {
  'os-volume_upload_image': { image_name: 'i', visibility: 'private', force: true },
};
const blank = { consistencygroup: { name: '', description: '' } };
const cluster = { 'os-migrate_volume': { cluster: 'c' } };
const offered = ({ ids }: History): string => `/os-volume-transfer/${ids.transfer}`;

const changes: Readonly<Record<number, Change | string>> = {
  1: [status('POST', act(volume), upload), 400, 202],
  2: [status('GET', '/volumes?bootable=perhaps'), 200, 400],
  3: [status('GET', '/messages'), 404, 200],
  4: [some(`/volumes?${query('glance_metadata', "{'os': 'none'}")}`, 'volumes'), true, false],
  5: [count('/messages?limit=1', 'messages'), 2, 1],
  6: [status('PUT', ({ ids }) => `/consistencygroups/${ids.group}/update`, blank), 400, 202],
  7: [has(() => '/os-services', 'services', 'cluster', 'ann'), false, true],
  8: [status('GET', '/manageable_volumes?host=firn@layers', undefined, 'ann'), 404, 200],
  9: [status('PUT', backup, { backup: { name: 'b' } }), 404, 200],
  10: [some(`/volumes?group_id=${none}`, 'volumes'), true, false],
  11: [status('GET', '/group_types'), 404, 200],
  12: [status('GET', '/volumes/summary'), 404, 200],
  13: [has(volume, 'volume', 'group_id'), false, true],
  14: [status('GET', '/group_snapshots'), 404, 200],
  15: [
    async (ask, scene) => 'etag' in (await ask({ path: `${volume(scene)}/metadata` })).headers,
    false,
    true,
  ],
  16: [
    async (ask, scene) => {
      const path = act(volume)(scene);
      const { body } = await ask({ who: 'ann', method: 'POST', path, body: cluster });
      return /'cluster' was unexpected/.test(JSON.stringify(body));
    },
    true,
    false,
  ],
  17: [status('GET', '/os-volume-manage?host=firn@layers&cluster=c', undefined, 'ann'), 200, 400],
  18: [has(backup, 'backup', 'os-backup-project-attr:project_id', 'ann'), false, true],
  19: [
    status(
      'POST',
      ({ ids }) => `/group_snapshots/${ids.groupSnapshot}/action`,
      { reset_status: { status: 'available' } },
      'ann',
    ),
    404,
    202,
  ],
  20: [status('POST', act(group), { reset_status: { status: 'available' } }, 'ann'), 404, 202],
  21: [has(volume, 'volume', 'provider_id', 'ann'), false, true],
  22: [some(`/snapshots?${query('metadata', "{'no': 'no'}")}`, 'snapshots'), true, false],
  23: [status('DELETE', `/volumes/${none}?force=true`), 404, 403],
  24: [status('POST', '/workers/cleanup', {}, 'ann'), 404, 202],
  25: [has((scene) => `${group(scene)}?list_volume=true`, 'group', 'volumes'), false, true],
  26: [status('PUT', '/os-services/failover', { host: 'firn@layers' }, 'ann'), 404, 400],
  27: [status('GET', '/attachments'), 404, 200],
  28: [count('/scheduler-stats/get_pools?name=x', 'pools', 'ann'), 1, 0],
  29: [count('/group_snapshots?limit=0', 'group_snapshots'), 1, 0],
  30: [status('GET', '/snapshots?sort=name:asc'), 400, 200],
  31: [status('GET', '/volumes?nonsense=1'), 200, 400],
  32: [status('PUT', '/os-services/get-log', {}, 'ann'), 404, 200],
  33: [status('GET', '/resource_filters'), 404, 200],
  34: [status('GET', '/volumes?name~=is'), 400, 200],
  35: [count('/scheduler-stats/get_pools?volume_type=elsewhere', 'pools', 'ann'), 1, 0],
  36: [has(() => '/volumes/summary', 'volume-summary', 'metadata'), false, true],
  37: [status('GET', '/backups?sort=name:asc'), 400, 200],
  38: [known(act(group), { enable_replication: {} }), false, true],
  39: [
    async (ask) => {
      const { body } = await ask({ who: 'ann', path: `/limits?project_id=${'b'.repeat(32)}` });
      return /"totalVolumesUsed":0/.test(JSON.stringify(body));
    },
    false,
    true,
  ],
  40: [known(act(volume), { revert: { snapshot_id: none } }), false, true],
  41: [has(snapshot, 'snapshot', 'user_id'), false, true],
  42: [
    status('POST', ({ ids }) => `/volumes/${ids.attached}/action`, {
      'os-extend': { new_size: 2 },
    }),
    400,
    202,
  ],
  43: [has(backup, 'backup', 'metadata'), false, true],
  44: [known(() => `/attachments/${none}/action`, { 'os-complete': {} }), false, true],
  45: [
    async (ask) => 'count' in (await ask({ path: '/volumes?with_count=true' })).body,
    false,
    true,
  ],
  46: 'Images of no size that stand for snapshots are made by Compute; images here hold data.',
  47: 'Volumes are made of backups at every version, as in Cinder.',
  48: [has(volume, 'volume', 'shared_targets'), false, true],
  49: [
    has(() => '/os-services?binary=cinder-volume', 'services', 'backend_state', 'ann'),
    false,
    true,
  ],
  50: 'Says that volumes for several hosts exist, which volume types make at every version.',
  51: [
    async (ask, { ids }) => {
      const body = { backup: { volume_id: ids.volume, availability_zone: 'nova' } };
      return (await ask({ method: 'POST', path: '/backups', body })).status;
    },
    400,
    202,
  ],
  52: [some(`/types?${query('extra_specs', "{'no': 'no'}")}`, 'volume_types'), true, false],
  53: [status('POST', '/volumes', { volume: { size: 1, status: 'creating' } }), 202, 400],
  54: [status('POST', '/attachments', { attachment: { volume_uuid: none, mode: 'ro' } }), 400, 404],
  55: [status('GET', '/volume-transfers'), 404, 200],
  56: [has(backup, 'backup', 'user_id'), false, true],
  57: [has(offered, 'transfer', 'accepted'), false, true],
  58: [has(group, 'group', 'project_id', 'ann'), false, true],
  59: [count('/os-volume-transfer?limit=1', 'transfers'), 2, 1],
  60: 'Filters by time are taken since 3.31, as in Cinder.',
  61: [has(volume, 'volume', 'cluster_name', 'ann'), false, true],
  62: [status('GET', '/default-types', undefined, 'ann'), 404, 200],
  63: [has(volume, 'volume', 'volume_type_id'), false, true],
  64: 'Names the key of an encrypted volume; there is no key manager, so that there are none.',
  65: [has(volume, 'volume', 'consumes_quota'), false, true],
  66: [
    async (ask, { ids }) => {
      const body = { snapshot: { volume_id: ids.volume, force: false } };
      return (await ask({ method: 'POST', path: '/snapshots', body })).status;
    },
    202,
    400,
  ],
  67: 'Paths are served without a project at every version.',
  68: [known(act(volume), { 'os-reimage': { image_id: none } }), false, true],
  69: 'shared_targets may be null; it is false here at every version, which means no locking.',
  70: 'Encrypted volumes can be transferred; there are none.',
  71: [known(act(volume), { 'os-extend_volume_completion': {} }, 'ann'), false, true],
};

suite('the history of the API', () => {
  test('has every version', () => {
    const versions = Object.keys(changes).map(Number);
    assert.deepEqual(
      versions,
      Array.from({ length: microversionMax }, (_, index) => index + 1),
    );
  });

  test('changes what it says, at the version that it says', async (t) => {
    const history = await openHistory(t);
    const { catalog } = history.storage.scene;
    const projectId = 'a'.repeat(32);
    for (const id of [newId(), newId()]) {
      await catalog.insert('messages', sampleMessage({ id, projectId }));
      await catalog.insert(
        'transfers',
        sampleTransfer({ id, projectId, volumeId: history.ids.volume }),
      );
      history.ids.transfer = id;
    }
    for (const [version, change] of Object.entries(changes)) {
      if (typeof change === 'string') continue;
      const [probe, before, since] = change;
      const find = async (minor: number): Promise<unknown> => {
        const found = await probe(history.at(`3.${minor}`), history);
        await history.storage.scene.work();
        return found;
      };
      assert.deepEqual(await find(Number(version) - 1), before, `before 3.${version}`);
      assert.deepEqual(await find(Number(version)), since, `since 3.${version}`);
    }
  });
});

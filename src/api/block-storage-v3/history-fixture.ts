/** One object of each kind, for the test that goes through the history of the API. */
import type { TestContext } from 'node:test';
import { must } from '../../base/assert.ts';
import { sampleGroupSnapshot } from '../objects-fixture.ts';
import type { JsonObject } from '../../base/json.ts';
import { newId } from '../../base/ids.ts';
import { byId } from '../../operation/scope.ts';
import { openStorage, objectIn, textIn, type Answer, type Storage } from './storage-fixture.ts';

export type Ask = (request: Parameters<Storage['ask']>[0]) => Promise<Answer>;

export interface History {
  readonly storage: Storage;
  readonly ids: {
    volume: string;
    /** In use. */
    attached: string;
    snapshot: string;
    backup: string;
    group: string;
    groupSnapshot: string;
    transfer: string;
  };
  /** Asks at one microversion. */
  readonly at: (microversion: string) => Ask;
}

export async function openHistory(t: TestContext): Promise<History> {
  const storage = await openStorage(t);
  const { scene } = storage;
  const make = async (kind: string, fields: JsonObject, microversion = '3.45', who = 'max') => {
    const path = kind === 'volume_type' ? '/types' : `/${kind}s`;
    const body = { [kind]: fields };
    const made = await storage.ask({ who, method: 'POST', path, body, microversion });
    await scene.work();
    return textIn(objectIn(made.body, kind), 'id');
  };
  const volume = await make('volume', { size: 1, name: 'disk', metadata: { a: 'b' } });
  const attached = await make('volume', { size: 1, name: 'attached' });
  const attach = { 'os-attach': { mountpoint: '/dev/vdb', host_name: 'host' } };
  const path = `/volumes/${attached}/action`;
  await storage.ask({ method: 'POST', path, body: attach });
  const snapshot = await make('snapshot', { volume_id: volume, metadata: { x: 'y' } });
  const backup = await make('backup', { volume_id: volume });
  const types = { volume_types: ['__DEFAULT__'], group_type: 'default_cgsnapshot_type' };
  const group = await make('group', { ...types, name: 'group' });
  const extra = { name: 'elsewhere', extra_specs: { volume_backend_name: 'x' } };
  await make('volume_type', extra, '3.45', 'ann');
  const groupSnapshot = newId();
  const { projectId, groupTypeId } = must(
    await scene.catalog.find('groups', byId(group)),
    'the group',
  );
  const whole = { id: groupSnapshot, projectId, groupId: group, groupTypeId };
  const row = sampleGroupSnapshot(whole);
  await scene.catalog.insert('groupSnapshots', row);
  return {
    storage,
    ids: { volume, attached, snapshot, backup, group, groupSnapshot, transfer: '' },
    at: (microversion) => async (request) => await storage.ask({ ...request, microversion }),
  };
}

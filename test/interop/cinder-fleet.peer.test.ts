/** Every command that the `cinder` client has. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { JsonObject } from '../../src/base/json.ts';
import { idOf } from '../block-storage.ts';
import { needs } from '../peer.ts';
import { Fleet } from './fleet.ts';
import { fleetScene } from './fleet-scene.ts';

const nothing = '00000000-0000-4000-8000-000000000000';

/** The id in the row of a printed table that has a name. */
function rowId(table: string, name: string): string {
  return new RegExp(`\\| ([0-9a-f-]{36}) \\| ${name} `).exec(table)?.[1] ?? '';
}

suite('cinder …', needs('cinder'), () => {
  const scene = fleetScene('cinder', '3.65');

  test('volumes', async () => {
    const { fleet, settle } = scene();
    await fleet.works('create --name one --metadata a=b 1', 'create --name two 1');
    await settle('volumes');
    const printed = await fleet.works(
      'list --sort name:asc --limit 5 --all-tenants',
      'list --filters name~=on --with-count',
      'list --filters created_at=gt:2020-01-01T00:00:00',
      'list --metadata a=b --fields name,size',
      'rename one uno --description why',
      'show uno',
      'metadata uno set tier=gold',
      'metadata-show uno',
      'metadata-update-all uno k=v',
      'readonly-mode-update uno True',
      'readonly-mode-update uno False',
      'set-bootable uno true',
      'reset-state --state error uno',
      'reset-state --state available --attach-status detached --reset-migration-status uno',
      'image-metadata uno set os=debian',
      'image-metadata-show uno',
      'extend two 2',
      'summary --all-tenants',
      'manageable-list firn@layers#layers',
      'manage --name adopted firn@layers#layers disk.raw',
      'snapshot-manageable-list firn@layers#layers',
    );
    for (const shown of [/uno/, /os +\| debian/, /disk\.raw/]) assert.match(printed, shown);
    await settle('volumes');
    await fleet.works('unmanage adopted');
    const migrated = await fleet.works('migrate uno x@y#z');
    assert.match(migrated, /failed: Invalid host: No available service named x@y#z/);
    await fleet.refused('snapshot-manage uno source-name=x', /HTTP 400/);
    await fleet.refused('show none', /No volume with a name or ID of 'none' exists/);
  });

  test('snapshots', async () => {
    const { fleet, settle, storage } = scene();
    await fleet.works('snapshot-create --name s --metadata a=b uno');
    await settle('snapshots');
    await fleet.works(
      'snapshot-list --all-tenants --name s --sort name:desc --limit 3 --with-count',
      'snapshot-show s',
      'snapshot-rename s t --description why',
      'snapshot-metadata t set c=d',
      'snapshot-metadata-show t',
      'snapshot-metadata-update-all t e=f',
      'snapshot-reset-state --state error t',
      'snapshot-reset-state --state available t',
      'revert-to-snapshot t',
    );
    await settle('volumes');
    const [id = ''] = (await storage.list('snapshots')).map(idOf);
    await fleet.works(`create --snapshot-id ${id} --name three 1`);
    await settle('volumes');
    await fleet.refused('snapshot-unmanage t', /HTTP 400/);
    await fleet.works('snapshot-delete t', 'force-delete three');
  });

  test('backups', async () => {
    const { fleet, settle, storage } = scene();
    await fleet.works('backup-create --name b --description d --force uno');
    await settle('backups');
    await fleet.works('backup-create --name c --incremental uno');
    await settle('backups');
    await fleet.works(
      'backup-list --all-tenants --name b --sort name:desc --limit 2 --with-count',
      'backup-show b',
      'backup-update --name bee --metadata a=b b',
      'backup-reset-state --state error bee',
      'backup-reset-state --state available bee',
      'backup-restore --name again bee',
    );
    await settle('backups');
    await settle('volumes');
    await fleet.works('backup-restore --volume uno bee');
    await settle('backups');
    const [bee] = await storage.list('backups', '?name=bee');
    const exported = await fleet.works(`backup-export ${idOf(bee ?? {})}`);
    const of = (field: string): string =>
      new RegExp(`${field} +\\| (\\S+)`).exec(exported)?.[1] ?? '';
    const [service, url] = [of('backup_service'), of('backup_url')];
    await fleet.refused(`backup-import ${service} ${url}`, /Backup already exists in database/);
    const fields = JSON.parse(Buffer.from(url, 'base64').toString()) as JsonObject;
    const other = JSON.stringify({ ...fields, id: randomUUID(), display_name: 'twin' });
    await fleet.works(`backup-import ${service} ${Buffer.from(other).toString('base64')}`);
    await settle('backups');
    await fleet.works('backup-delete --force bee', 'backup-delete c', 'backup-delete twin');
    await storage.gone('backups');
  });

  test('types, defaults and QoS', async () => {
    const { fleet, settle, storage } = scene();
    await fleet.works('type-create gold --is-public False --description d');
    const type = rowId(await fleet.works('type-list'), 'gold');
    await fleet.works(
      `type-update --name gold --description e ${type}`,
      'type-show gold',
      'type-key gold set tier=gold',
      'type-access-add --volume-type gold --project-id x',
      'type-access-list --volume-type gold',
      'type-access-remove --volume-type gold --project-id x',
      'type-list',
      'type-default',
      'extra-specs-list',
      'encryption-type-create --cipher c --control-location front-end gold luks',
      'encryption-type-update --cipher d gold',
      'encryption-type-show gold',
      'encryption-type-list',
      'encryption-type-delete gold',
      'qos-create slow consumer=both total_iops_sec=500',
      'qos-list',
    );
    const [volume] = await storage.list('volumes');
    const owner = volume?.['os-vol-tenant-attr:tenant_id'];
    const project = typeof owner === 'string' ? owner : '';
    const qos = rowId(await fleet.works('qos-list'), 'slow');
    await fleet.works(
      `qos-show ${qos}`,
      `qos-key ${qos} set read_iops_sec=9`,
      `qos-associate ${qos} ${type}`,
      `qos-get-association ${qos}`,
      `qos-disassociate ${qos} ${type}`,
      `qos-disassociate-all ${qos}`,
      `qos-delete ${qos}`,
      `default-type-set __DEFAULT__ ${project}`,
      'default-type-list',
      `default-type-list --project-id ${project}`,
      `default-type-unset ${project}`,
      'retype two gold',
    );
    await fleet.refused('default-type-set __DEFAULT__ nobody', /Project with id nobody not found/);
    await settle('volumes');
    await fleet.works('retype two __DEFAULT__', 'type-delete gold');
  });

  test('quotas, services and messages', async () => {
    const { fleet } = scene();
    const printed = await fleet.works(
      'quota-update x --volumes 5 --snapshots 6 --gigabytes 7 --backups 8 --backup-gigabytes 9',
      'quota-show x',
      'quota-usage x',
      'quota-defaults x',
      'quota-delete x',
      'quota-class-update default --volumes 900',
      'quota-class-show default',
      'absolute-limits',
      'rate-limits',
      'availability-zone-list',
      'service-list --withreplication',
      'service-disable --reason why firn cinder-backup',
      'service-enable firn cinder-backup',
      'freeze-host firn@layers',
      'thaw-host firn@layers',
      'get-pools --detail',
      'get-capabilities firn@layers',
      'service-get-log --binary cinder-volume --prefix firn',
      'service-set-log --server firn debug',
      'service-get-log',
      'service-set-log INFO',
      'work-cleanup',
      'work-cleanup --is-up True --binary cinder-volume',
      'version-list',
      'api-version',
      'list-filters --resource volume',
      'cluster-list --detailed',
      'message-list',
    );
    for (const shown of [/free_capacity_gb/, /900/, /firn +\| +DEBUG/, /firn@layers/])
      assert.match(printed, shown);
    await fleet.refused('cluster-show none', /Cluster none could not be found/);
    await fleet.refused('cluster-enable none', /HTTP 404/);
    await fleet.refused('cluster-disable none', /HTTP 404/);
    await fleet.refused('failover-host firn@layers', /Invalid host/);
    await fleet.works('service-disable firn@layers cinder-volume', 'create --name no 1');
    const { settle } = scene();
    await settle('volumes');
    const message = rowId(await fleet.works('message-list'), 'VOLUME');
    await fleet.works(
      `message-show ${message}`,
      `message-delete ${message}`,
      'service-enable firn@layers cinder-volume',
      'delete no',
    );
  });

  test('attachments and transfers', async () => {
    const { fleet, storage } = scene();
    await fleet.works(`attachment-create --connect True --host h uno ${nothing}`);
    const attachment = idOf((await storage.list('attachments'))[0] ?? {});
    await fleet.works(
      `attachment-update --host h ${attachment}`,
      `attachment-complete ${attachment}`,
      `attachment-show ${attachment}`,
      'attachment-list --all-tenants --limit 3',
      `attachment-delete ${attachment}`,
    );
    const offered = await fleet.works('transfer-create uno --name gift');
    const of = (field: string): string =>
      new RegExp(`\\b${field} +\\| (\\S+)`).exec(offered)?.[1] ?? '';
    await fleet.works(
      'transfer-list --all-tenants',
      'transfer-show gift',
      `transfer-accept ${of('id')} ${of('auth_key')}`,
      'transfer-create uno --name again',
      'transfer-delete again',
    );
  });

  test('groups', async () => {
    const { fleet, storage, settle } = scene();
    await fleet.works('group-type-create silver --description d --is-public False');
    const type = rowId(await fleet.works('group-type-list'), 'silver');
    await fleet.works(
      `group-type-update --name bronze ${type}`,
      'group-type-show bronze',
      'group-type-key bronze set a=b',
      'group-specs-list',
      'group-type-default',
      'group-create --name db bronze __DEFAULT__',
      'group-list --all-tenants',
      'group-show db',
    );
    const group = idOf((await storage.list('groups'))[0] ?? {});
    await fleet.works(`create --group-id ${group} --volume-type __DEFAULT__ --name member 1`);
    await settle('volumes');
    await fleet.works('group-update --name data db', 'group-snapshot-create --name g data');
    await settle('group_snapshots');
    await fleet.works(
      'group-snapshot-list --all-tenants',
      'group-snapshot-show g',
      'group-create-from-src --source-group data --name copy',
    );
    await settle('groups');
    for (const line of ['enable-replication', 'disable-replication', 'failover-replication']) {
      await fleet.refused(`group-${line} data`, /HTTP 400/);
    }
    await fleet.refused('group-list-replication-targets data', /HTTP 400/);
    await fleet.works('group-snapshot-delete g', 'group-delete --delete-volumes copy');
    await storage.gone('group_snapshots');
    await fleet.works('group-delete --delete-volumes data');
    await storage.gone('groups');
    await fleet.works('group-type-delete bronze');
  });

  test('consistency groups', async () => {
    const { fleet, storage, settle } = scene();
    await fleet.works('consisgroup-create --name old __DEFAULT__');
    const group = idOf((await storage.list('groups'))[0] ?? {});
    await fleet.works(`create --consisgroup-id ${group} --volume-type __DEFAULT__ --name part 1`);
    await settle('volumes');
    await fleet.works(
      'consisgroup-list',
      'consisgroup-show old',
      'consisgroup-update old --name older',
      'cgsnapshot-create --name friday older',
    );
    await settle('group_snapshots');
    await fleet.works(
      'cgsnapshot-list',
      'cgsnapshot-show friday',
      'consisgroup-create-from-src --cgsnapshot friday --name again',
    );
    await settle('groups');
    await fleet.works('consisgroup-delete --force again', 'cgsnapshot-delete friday');
    await storage.gone('group_snapshots');
    await fleet.works('consisgroup-delete --force older');
    await storage.gone('groups');
  });

  test('images', async () => {
    const { fleet, settle, dataFolder, disks } = scene();
    const openstack = new Fleet('openstack', dataFolder, '3.65');
    const create = `image create --disk-format raw --file ${join(disks, 'disk.raw')} disk`;
    const [image = ''] = await openstack.cells(`${create} -f value -c id`);
    openstack.close();
    await fleet.works(`--os-volume-api-version 3.68 reimage uno ${image}`);
    await settle('volumes');
    const printed = await fleet.works('upload-to-image --disk-format raw uno image');
    assert.match(printed, /volume_type +\| __DEFAULT__/);
  });

  test('every command of its list worked, or the documentation says why not', async () => {
    await scene().fleet.demandEvery();
  });
});

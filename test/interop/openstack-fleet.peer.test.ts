/** Every command that the `openstack` client has for Block Storage. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { JsonObject } from '../../src/base/json.ts';
import { idOf } from '../block-storage.ts';
import { needs } from '../peer.ts';
import { fleetScene } from './fleet-scene.ts';

const nothing = '00000000-0000-4000-8000-000000000000';

suite('openstack volume …', needs('openstack'), () => {
  const scene = fleetScene('openstack', '3.65');

  test('types and QoS', async () => {
    const { fleet } = scene();
    const printed = await fleet.works(
      'volume type create --private --description why --property tier=gold --project admin gold',
      'volume type set --property color=red --name gold --description d gold',
      'volume type unset --property color gold',
      'volume type unset --project admin gold',
      'volume type set --project admin gold',
      'volume type show gold -f json',
      'volume type create --encryption-provider luks --encryption-cipher aes ' +
        '--encryption-key-size 256 --encryption-control-location front-end enc',
      'volume type set --encryption-key-size 512 enc',
      'volume type show --encryption-type enc -f value -c encryption',
      'volume type list --long --encryption-type',
      'volume type list --default',
      'volume type list --private',
      'volume type list --public',
      'volume type unset --encryption-type enc',
      'volume type delete enc',
      'volume qos create --consumer both --property total_iops_sec=5000 slow',
      'volume qos associate slow gold',
      'volume qos set --property read_bytes_sec=1000000 slow',
      'volume qos unset --property read_bytes_sec slow',
      'volume qos show slow -f json -c properties -c associations',
      'volume qos list',
    );
    assert.match(printed, /"tier": "gold"/);
    assert.match(printed, /'key_size': 512/);
    assert.match(printed, /"total_iops_sec": "5000"/);
    await fleet.refused('volume type delete nothing', /No VolumeType found for nothing|nothing/);
  });

  test('volumes', async () => {
    const { fleet, settle } = scene();
    await fleet.works(
      'volume create --size 1 --type gold --property a=b --description words one',
      'volume create --size 1 --availability-zone nova --hint a=b two',
    );
    await settle('volumes');
    const printed = await fleet.works(
      'volume set --image-property os=debian two',
      'volume unset --image-property os two',
      'volume set --type gold --retype-policy never two',
      'volume set --read-only two',
      'volume set --read-write two',
      'volume set --bootable --name zwei --description d --property x=y two',
      'volume set --non-bootable zwei',
      'volume set --bootable zwei',
      'volume set --attached zwei',
      'volume set --state error zwei',
      'volume set --detached zwei',
      'volume set --state available zwei',
      'volume set --no-property --property z=1 zwei',
      'volume unset --property z zwei',
      'volume show zwei -f json',
      'volume list --long --all-projects --name zwei --status available --limit 1 -f value -c Name',
      'volume list --project admin --user admin',
      'volume create --source one --property e=f copy',
      'volume create --size 1 --read-only --bootable locked',
    );
    assert.match(printed, /"bootable": "true"/);
    assert.match(printed, /"type": "gold"/);
    await settle('volumes');
    await fleet.works('volume set --size 2 copy');
    await settle('volumes');
    assert.deepEqual(await fleet.cells('volume show copy -f value -c size'), ['2']);
    await fleet.works('volume delete copy', 'volume delete --force locked');
    const tooSmall = 'Invalid input for field/attribute size. Value: 0. 0 is less than';
    await fleet.refused('volume create --size 0 no', new RegExp(tooSmall));
    await fleet.refused('volume create --size 1 --type no no', /no/);
    await fleet.refused('volume show none', /No volume with a name or ID of 'none' exists/);
    await fleet.refused('volume migrate --host x@y#z one', /Invalid host: No available service/);
    await fleet.refused(
      'volume list --marker none',
      /Volume none could not be found\. \(HTTP 404\)/,
    );
  });

  test('transfers, services and messages', async () => {
    const { fleet, settle } = scene();
    const [id = '', key = ''] = await fleet
      .cells(
        'volume transfer request create --no-snapshots --name gift one -f value -c id -c auth_key',
      )
      .then((cells) => cells.toSorted((a, b) => b.length - a.length));
    await fleet.works(
      'volume transfer request list --all-projects -f value -c Name',
      'volume transfer request show gift -f value -c no_snapshots',
    );
    await fleet.refused(`volume transfer request accept --auth-key no ${id}`, /HTTP 400/);
    await fleet.works(
      `volume transfer request accept --auth-key ${key} ${id}`,
      'volume transfer request create --name again one',
      'volume transfer request delete again',
      'volume service list --long --host firn@layers --service cinder-volume',
      'volume service set --disable --disable-reason why firn@layers cinder-volume',
      'volume create --size 1 refused -f value -c name',
    );
    await settle('volumes');
    const messages = await fleet.works('volume message list --limit 5 -f value');
    assert.match(messages, /No valid backend was found/);
    const [message = ''] = await fleet.cells('volume message list -f value -c ID');
    await fleet.works(
      `volume message show ${message}`,
      `volume message delete ${message}`,
      'volume service set --enable firn@layers cinder-volume',
      'volume host set --disable firn@layers',
      'volume host set --enable firn@layers',
      'volume delete --force refused',
    );
    await fleet.refused(`volume message show ${message}`, /could not be found. \(HTTP 404\)/);
  });

  test('snapshots and backups', async () => {
    const { fleet, settle, storage } = scene();
    await fleet.works(
      'volume snapshot create --volume zwei --force --description d --property a=b snap',
      'volume snapshot set --name still --description e --property x=y snap',
      'volume snapshot unset --property x still',
      'volume snapshot set --no-property --property q=r still',
    );
    await settle('snapshots');
    const printed = await fleet.works(
      'volume snapshot set --state error still',
      'volume snapshot set --state available still',
      'volume snapshot show still -f value -c name',
      'volume snapshot list --long --all-projects --name still --status available --limit 1',
      'volume snapshot list --volume zwei -f value -c Name',
      'volume create --snapshot still of-snapshot',
      'volume backup create --name kept --description d --property k=v --container vault zwei',
    );
    assert.match(printed, /^still$/m);
    await fleet.refused('volume delete zwei', /have snapshots/);
    await settle('backups');
    await fleet.works(
      'volume backup create --incremental --snapshot still --force --container vault zwei',
      'volume backup set --name kept2 --description d --property k=w kept',
      'volume backup set --state error kept2',
      'volume backup set --state available kept2',
      'volume backup set --no-property --property n=m kept2',
      'volume backup unset --property n kept2',
      'volume backup show kept2',
      'volume backup list --long --all-projects --name kept2 --status available --volume zwei',
    );
    await settle('backups');
    const record = 'volume backup record export kept2 -f value';
    const [service = '', metadata = ''] = await fleet.cells(record);
    await fleet.refused(`volume backup record import ${service} nonsense`, /HTTP 400/);
    await fleet.refused(`volume backup record import ${service} ${metadata}`, /already exists/);
    const decoded = Buffer.from(metadata, 'base64').toString();
    const fields = JSON.parse(decoded) as JsonObject;
    const other = Buffer.from(JSON.stringify({ ...fields, id: randomUUID() })).toString('base64');
    await fleet.works(`volume backup record import ${service} ${other}`);
    await settle('backups');
    await fleet.refused(`volume backup restore ${idOf(fields)}`, /cannot unpack non-iterable/);
    await settle('backups');
    await settle('volumes');
    const backups = (await storage.list('backups')).map(idOf);
    await fleet.works(
      `volume backup delete ${backups.join(' ')}`,
      'volume snapshot delete still',
      'volume delete of-snapshot',
    );
    await storage.gone('backups');
    await storage.gone('snapshots');
  });

  test('attachments', async () => {
    const { fleet, storage } = scene();
    const [volume = ''] = await fleet.cells('volume show one -f value -c id');
    const wanted = { volume_uuid: volume, instance_uuid: nothing };
    const attachment = idOf(await storage.post('/attachments', { attachment: wanted }));
    await fleet.works(
      `volume attachment set --host h --ip 10.0.0.1 --initiator i ${attachment}`,
      `volume attachment complete ${attachment}`,
      `volume attachment show ${attachment}`,
      'volume attachment list --all-projects --status attached',
      `volume attachment list --volume-id ${volume}`,
      `volume attachment delete ${attachment}`,
    );
    await fleet.refused(`volume attachment create one ${nothing}`, /compute service/);
  });

  test('groups', async () => {
    const { fleet, storage, settle } = scene();
    await fleet.works(
      'volume group type create --private --description why silver',
      'volume group type set --name bronze --public --property a=b silver',
      'volume group type list --default',
      'volume group type list',
      'volume group create --name db --description words bronze __DEFAULT__',
      'volume group set --name data db',
      'volume group list --all-projects',
    );
    const group_id = idOf((await storage.list('groups'))[0] ?? {});
    const volume = { size: 1, name: 'member', group_id, volume_type: '__DEFAULT__' };
    await storage.post('/volumes', { volume });
    await settle('volumes');
    await fleet.works('volume group snapshot create --name monday data');
    await settle('group_snapshots');
    await fleet.works('volume group snapshot list --all-projects');
    await fleet.refused('volume group failover data', /is not a replication group type/);
    await fleet.refused('volume group delete data', /Group has existing snapshots/);
    await fleet.refused('volume group show data', /has no attribute 'show'/);
    await fleet.refused('volume group snapshot show monday', /has no attribute 'show'/);
    await fleet.refused('volume group type show bronze', /has no attribute 'group'/);
    await fleet.works('volume group snapshot delete monday');
    await storage.gone('group_snapshots');
    await fleet.refused('volume group delete data', /still contains volumes/);
    await fleet.works('volume group delete --force data');
    await storage.gone('groups');
    await fleet.works('volume group type delete bronze');
  });

  test('consistency groups', async () => {
    const { fleet, settle, storage } = scene();
    await fleet.works(
      'consistency group create --volume-type __DEFAULT__ --description words old',
      'volume create --size 1 --type __DEFAULT__ --consistency-group old member',
      'volume create --size 1 --type __DEFAULT__ joined',
    );
    await settle('volumes');
    const printed = await fleet.works(
      'consistency group add volume old joined',
      'consistency group remove volume old joined',
      'consistency group set --name older --description "other words" old',
      'consistency group list --long --all-projects',
      'consistency group show older',
      'volume show member -f value -c consistencygroup_id',
      'consistency group snapshot create --consistency-group older friday',
    );
    assert.match(printed, /other words/);
    await settle('group_snapshots');
    await fleet.works(
      'consistency group snapshot list --long --consistency-group older --all-projects',
      'consistency group snapshot show friday',
    );
    const again = 'consistency group create --consistency-group-snapshot friday again';
    await fleet.refused(again, /'DictWithMeta' object has no attribute '_info'/);
    await settle('groups');
    await fleet.works(
      'consistency group delete --force again',
      'consistency group snapshot delete friday',
    );
    await storage.gone('group_snapshots');
    await fleet.refused('consistency group delete older', /still contains volumes/);
    await fleet.works('consistency group delete --force older', 'volume delete joined');
    await storage.gone('groups');
  });

  test('what is around them', async () => {
    const { fleet } = scene();
    await fleet.works(
      'block storage cluster list',
      'block storage resource filter list -f value -c Resource',
      'availability zone list --volume --long',
      'extension list --volume --long',
      'configuration show',
      'versions show --service block-storage',
      'quota list --volume',
      'quota list --volume --detail --project admin',
      'project cleanup --dry-run --project admin',
      'project purge --dry-run --project admin',
    );
    const filters = 'block storage resource filter show volume';
    await fleet.refused(filters, /'ListWithMeta' object is not an iterator/);
    await fleet.refused('block storage cluster show none', /Cluster none could not be found/);
    await fleet.refused('block storage cluster set --disable none', /HTTP 404/);
    for (const line of ['quota show', 'quota set --volumes 9 admin', 'limits show --absolute']) {
      await fleet.refused(line, /compute service in RegionOne region not found/);
    }
    await fleet.refused('extension show backups', /network service in RegionOne region not found/);
  });

  test('images and files', async () => {
    const { fleet, disks, settle, storage } = scene();
    await fleet.works(
      `image create --disk-format raw --file ${join(disks, 'disk.raw')} cirros`,
      'volume create --size 1 --image cirros of-image',
    );
    await settle('volumes');
    await fleet.works('volume qos disassociate --all slow', 'volume qos delete slow');
    const volumes = (await storage.list('volumes')).map(idOf);
    await fleet.works(`volume delete --force ${volumes.join(' ')}`);
    await storage.gone('volumes');
    await fleet.works('volume type delete gold');
  });

  test('every command of its list worked, or the documentation says why not', async () => {
    await scene().fleet.demandEvery(['openstack.volume.v3', 'openstack.common']);
  });
});

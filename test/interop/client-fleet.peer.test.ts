/** Commands of the terminal clients, and openstacksdk, in few processes that run many of them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BlockStorage, idOf } from '../block-storage.ts';
import { type Scene, startScene } from '../firn.ts';
import { Openstack } from '../openstack.ts';
import { needs } from '../peer.ts';

/** Debian's own, which has its packages. */
const python = '/usr/bin/python3';

/** Runs a script beside this file; resolves with what it printed. */
async function runPython(
  script: string,
  environment: NodeJS.ProcessEnv,
  input = '',
): Promise<string> {
  const path = fileURLToPath(new URL(`./${script}`, import.meta.url));
  const env = { PATH: process.env['PATH'], LANG: 'C.UTF-8', ...environment };
  const child = spawn(python, ['-W', 'ignore', path], { env });
  child.stdin.end(input);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  }
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0, printed);
  return printed;
}

suite('the fleet of clients', needs('openstack', 'cinder'), () => {
  let scene: Scene;
  let storage: BlockStorage;
  const endings: (() => Promise<void>)[] = [];
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'firn-fleet-'));
    endings.push(() => rm(folder, { recursive: true }));
    await mkdir(join(folder, 'disks'));
    await writeFile(join(folder, 'disks', 'disk.raw'), 'a disk');
    const ending = { after: (work: () => Promise<void>) => void endings.unshift(work) };
    scene = await startScene(ending, ['--volumes-manage-folder', join(folder, 'disks')]);
    storage = new BlockStorage(scene.dataFolder);
  });
  after(async () => {
    for (const end of endings) await end();
  });

  const settle = async (): Promise<void> => {
    for (const volume of await storage.list('volumes')) {
      await storage.settled(`/volumes/${idOf(volume)}`);
    }
  };

  test('openstacksdk', async () => {
    const printed = await runPython('sdk_block_storage.py', {
      HOME: scene.dataFolder,
      OS_CLIENT_CONFIG_FILE: join(scene.dataFolder, 'clouds.yaml'),
    });
    assert.match(printed, /ok nothing is left/);
  });

  test('openstack volume …', async () => {
    const client = new Openstack(scene.dataFolder, { OS_VOLUME_API_VERSION: '3.65' });
    const works = async (...lines: string[]): Promise<string> => {
      const { stdout, stderr } = await client.typed(...lines);
      assert.equal(stderr, '');
      return stdout;
    };
    const first = await works(
      'volume type create --private --description why --property tier=gold --project admin gold',
      'volume type set --property color=red gold',
      'volume type unset --property color gold',
      'volume type show gold -f json -c properties',
      'volume type create --encryption-provider luks --encryption-cipher aes ' +
        '--encryption-key-size 256 --encryption-control-location front-end enc',
      'volume type set --encryption-key-size 512 enc',
      'volume type show --encryption-type enc -f value -c encryption',
      'volume type unset --encryption-type enc',
      'volume type delete enc',
      'volume qos create --consumer both --property total_iops_sec=5000 slow',
      'volume qos associate slow gold',
      'volume qos set --property read_bytes_sec=1000000 slow',
      'volume qos unset --property read_bytes_sec slow',
      'volume qos show slow -f json -c properties -c associations',
      'volume create --size 1 --type gold --property a=b --description words one',
      'volume create --size 1 two',
    );
    assert.match(first, /"tier": "gold"\n/);
    assert.match(first, /'key_size': 512/);
    assert.match(first, /"total_iops_sec": "5000"\n/);
    await settle();
    const second = await works(
      'volume set --image-property os=debian two',
      'volume unset --image-property os two',
      'volume set --type gold --retype-policy never two',
      'volume set --read-only two',
      'volume set --read-write two',
      'volume set --bootable --name zwei --description d --property x=y two',
      'volume set --state error zwei',
      'volume set --state available zwei',
      'volume unset --property x zwei',
      'volume show zwei -f json -c type -c bootable -c properties',
      'volume list --long --all-projects --name zwei --status available --limit 1 -f value -c Name',
      'volume transfer request create --name gift one',
      'volume transfer request list -f value -c Name',
      'volume transfer request show gift -f value -c no_snapshots',
      'volume transfer request delete gift',
      'volume service list --long -f value -c Binary -c Status',
      'volume service set --disable --disable-reason why firn@layers cinder-volume',
      'volume create --size 1 refused -f value -c name',
      'volume snapshot create --volume zwei snap',
    );
    assert.match(second, /"bootable": "true"/);
    assert.match(second, /"type": "gold"/);
    assert.match(second, /^gift$/m);
    await settle();
    const third = await works(
      'volume message list -f value',
      'volume service set --enable firn@layers cinder-volume',
      'volume host set --disable firn@layers',
      'volume host set --enable firn@layers',
      'volume snapshot set --name still --property x=y snap',
      'volume snapshot unset --property x still',
      'volume snapshot show still -f value -c name',
      'volume snapshot list --long -f value -c Name',
      'volume backup create --name kept --property k=v zwei',
      'block storage resource filter list -f value -c Resource',
      'block storage cluster list',
      'availability zone list --volume -f value',
      'volume qos disassociate --all slow',
      'volume qos delete slow',
      'volume delete --force refused',
    );
    assert.match(third, /No valid backend was found/);
    assert.match(third, /^still$/m);
    const refused = await client.typed('volume migrate --host x@y#z one', 'volume delete zwei');
    assert.match(refused.stderr, /Invalid host: No available service named x@y#z/);
    assert.match(refused.stderr, /have snapshots/);
    await settle();
    await works(
      'volume backup set --name kept2 --description d --property k=w kept',
      'volume backup unset --property k kept2',
      'volume backup list --long -f value',
      'volume snapshot delete still',
    );
    await storage.gone('snapshots');
    await works('volume delete one zwei', 'volume backup delete kept2', 'volume list');
    await storage.gone('volumes');
    await works('volume type delete gold');
  });

  test('cinder …', async () => {
    const openrc = readFileSync(join(scene.dataFolder, 'openrc'), 'utf8');
    const given = [...openrc.matchAll(/^export (\w+)='(.*)'$/gm)].map((match) => match.slice(1, 3));
    const environment = { ...Object.fromEntries(given), OS_VOLUME_API_VERSION: '3.65' };
    const works = async (...lines: string[]): Promise<string> => {
      const printed = await runPython('cinder_commands.py', environment, lines.join('\n'));
      const failed = [...printed.matchAll(/^# .*: failed: [^]*?(?=^# |$(?![^]))/gm)];
      assert.deepEqual(
        failed.map(([text]) => text),
        [],
      );
      return printed;
    };
    await works('create --name one --metadata a=b 1', 'create --name two 1');
    await settle();
    const printed = await works(
      'list --sort name:asc --limit 5',
      'list --filters name~=on',
      'list --metadata a=b',
      'rename one uno --description why',
      'metadata uno set tier=gold',
      'metadata-show uno',
      'metadata-update-all uno k=v',
      'readonly-mode-update uno True',
      'readonly-mode-update uno False',
      'set-bootable uno true',
      'reset-state --state error uno',
      'reset-state --state available uno',
      'image-metadata uno set os=debian',
      'image-metadata-show uno',
      'type-create gold --is-public False',
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
      'quota-update x --volumes 5',
      'quota-update x --volumes 5 --volume-type gold',
      'quota-show x',
      'quota-usage x',
      'quota-defaults x',
      'quota-delete x',
      'quota-class-update default --volumes 900',
      'quota-class-show default',
      'absolute-limits',
      'service-list',
      'service-disable --reason why firn cinder-backup',
      'service-enable firn cinder-backup',
      'freeze-host firn@layers',
      'thaw-host firn@layers',
      'get-pools --detail',
      'get-capabilities firn@layers',
      'list-extensions',
      'version-list',
      'list-filters --resource volume',
      'summary',
      'message-list',
      'manageable-list firn@layers#layers',
      'manage --name adopted firn@layers#layers disk.raw',
      'transfer-create uno --name gift',
      'transfer-list',
      'transfer-delete gift',
      'retype two gold',
      'snapshot-create --name s uno',
      'cluster-list',
      'default-type-set __DEFAULT__ x',
      'default-type-list',
      'default-type-unset x',
    );
    for (const shown of [/uno/, /os +\| debian/, /disk\.raw/, /free_capacity_gb/, /900/]) {
      assert.match(printed, shown);
    }
    await settle();
    await works('snapshot-delete s', 'delete two', 'type-delete gold', 'unmanage adopted');
    await storage.gone('snapshots');
    await works('delete uno');
    await storage.gone('volumes');
  });
});

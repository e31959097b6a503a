/** The documents for users, and what each takes for granted. */
import { makeCertificates } from '../../src/nbd/certificate-fixture.ts';
import { freePorts } from '../servers/free-ports.ts';
import { keystonePassword, startKeystone } from '../servers/keystone.ts';
import type { Chapter } from './chapter.ts';

const disk = ['head -c 5M /dev/urandom > disk.raw'];
const running = ['firn serve', '. firn-data/openrc'];
const aVolume = (name: string): string => `firn volume import disk.raw --name ${name}`;
const aBackup = 'firn backup create my-volume --name my-backup --wait';
const attached = ['URI=$(firn volume attach my-disk | grep -oE "nbd://[^ ]*")', 'NAME=${URI##*/}'];
const { authority, server, client } = makeCertificates();

const ofCinder = (digit: string, parent: string | null, name: string): object => ({
  id: uuidOf(digit),
  parent_id: parent,
  volume_id: uuidOf('4'),
  file: 'disk.raw',
  compression: 'zlib',
  name,
});

const uuidOf = (digit: string): string =>
  '????????-????-4???-8???-????????????'.replaceAll('?', digit);

/** Backups that Cinder's own driver makes of a file. */
const cinderBackups = JSON.stringify([
  ofCinder('2', null, 'full'),
  ofCinder('3', uuidOf('2'), 'incremental'),
]);

/** Runs a command that ends only by Ctrl-C, until it has said all, with what happens meanwhile. */
const gift =
  'gift() { python3 -c \'import json; t = json.load(open("gift.json")); ' +
  'print("--auth-key", t["auth_key"], t["id"])\'; }';

const mounted =
  'mounted() { firn backup mount my-backup > .said & JOB=$!; ' +
  'until grep -q socket= .said; do sleep 0.1; done; }';

const until = [
  'until_said() { local text=$1 then=$2; shift 2; "$@" > .said 2>&1 & local job=$!',
  '  until grep -q "$text" .said; do sleep 0.1; done; $then; kill $job; cat .said; }',
].join('\n');

async function aPort(): Promise<{ names: Record<string, string>; stop: () => Promise<void> }> {
  const [port] = await freePorts(1);
  const names = {
    '0.0.0.0:10809': `127.0.0.1:${port}`,
    'nbd.example.org:10809': `localhost:${port}`,
    "'nbds://nbd.example.org/NAME": `"nbds://localhost:${port}/$NAME`,
    "=DIR' disk": '=DIR" disk',
    'nbd.example.org,port=10809,export=NAME': `localhost,port=${port},export=$NAME`,
  };
  return { names, stop: () => Promise.resolve() };
}

async function aCloud(): Promise<{ names: Record<string, string>; stop: () => Promise<void> }> {
  const keystone = await startKeystone();
  const names = {
    'https://keystone.example:5000': keystone.url,
    'https://firn.example:8776': 'http://127.0.0.1:8776',
    // No terminal asks in a test.
    '--password-prompt': `--password ${keystonePassword}`,
  };
  return { names, stop: () => keystone.stop() };
}

export const guideChapters: readonly Chapter[] = [
  {
    path: 'docs/guide/attachments.md',
    peers: [],
    before: [
      ...disk,
      running[0] ?? '',
      aVolume('disk'),
      'mv disk.raw before.raw',
      'firn snapshot create before-upgrade --volume disk',
    ],
    after: ['cmp -n 5242880 disk.raw before.raw', 'firn volume show disk | grep "20 GiB"'],
  },
  {
    path: 'docs/guide/backup-from-snapshot.md',
    before: ['firn serve'],
    after: ['[ "$(openstack volume list -f value)" = "" ]'],
  },
  {
    path: 'docs/guide/backup-records.md',
    before: [...disk, ...running, aVolume('my-volume'), aBackup],
    names: {
      'record export my-backup': 'record export my-backup -f json | tee record.json',
      // As the guide says, beside its own record with another id.
      'SERVICE URL': `$(python3 -c '
import base64, json, uuid
record = json.load(open("record.json"))
facts = json.loads(base64.b64decode(record["backup_url"]))
facts["id"] = str(uuid.uuid4())
print(record["backup_service"], base64.b64encode(json.dumps(facts).encode()).decode())')`,
    },
    after: ['[ $(firn backup list | grep -c my-backup) = 2 ]'],
  },
  {
    path: 'docs/guide/events.md',
    peers: ['openstack', 'curl'],
    before: [
      ...disk,
      ...running,
      aVolume('my-volume'),
      until,
      `backup() { ${aBackup}; until grep -q '"table":"backups"' .said; do sleep 0.1; done; }`,
    ],
    names: {
      'http://127.0.0.1:8776': '${OS_AUTH_URL%/identity/v3}',
      'curl -sN': 'until_said "event: reset" backup curl -sN',
    },
  },
  {
    path: 'docs/guide/keystone.md',
    peers: ['openstack', 'keystone-manage'],
    beside: aCloud,
    files: { '/etc/firn/keystone-password': `${keystonePassword}\n` },
    before: [
      'export OS_AUTH_URL=https://keystone.example:5000/v3 OS_USERNAME=admin',
      `export OS_PASSWORD=${keystonePassword} OS_PROJECT_NAME=admin OS_IDENTITY_API_VERSION=3`,
      'export OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default',
      'openstack project create service',
    ],
    after: ['openstack endpoint list | grep volumev3'],
  },
  {
    path: 'docs/guide/layers.md',
    peers: [],
    before: [
      ...disk,
      'firn serve --data /srv/firn',
      'firn volume import disk.raw --name my-volume --data /srv/firn',
      'VOLUME=$(firn volume list --data /srv/firn --json | grep -oE "[0-9a-f-]{36}" | head -1)',
      'kill $(cat /srv/firn/firn.pid)',
    ],
    names: { VOLUME: '$VOLUME' },
    after: ['cmp -n 5242880 image.raw disk.raw'],
  },
  {
    path: 'docs/guide/leaving-cinder.md',
    peers: [],
    file: '/usr/lib/python3/dist-packages/cinder/backup/chunkeddriver.py',
    before: [
      ...disk,
      'mkdir -p /var/lib/cinder/backup',
      `echo '${cinderBackups}' > plan.json`,
      '/usr/bin/python3 -B test/servers/cinder_backup.py /var/lib/cinder/backup "$(cat plan.json)"',
      'firn serve --store file:///srv/backups --key-file firn.key',
    ],
    after: [
      'firn backup restore incremental --name old --wait',
      'firn volume export old old.raw',
      'cmp -n 5242880 old.raw disk.raw',
    ],
  },
  {
    path: 'docs/guide/nbd.md',
    headings: ['Volumes over NBD'],
    peers: ['qemu-img', 'nbdcopy'],
    before: [...disk, 'firn serve', aVolume('my-disk'), ...attached, 'mv disk.raw before.raw'],
    names: {
      'nbd://127.0.0.1:10809/NAME': '$URI',
      'nbd+unix:///NAME?': 'nbd+unix:///$NAME?',
    },
    after: ['cmp -n 5242880 disk.raw before.raw'],
  },
  {
    path: 'docs/guide/nbd.md',
    headings: ['TLS'],
    peers: ['qemu-img', 'nbdcopy'],
    beside: aPort,
    files: {
      'server-cert.pem': server.certificate,
      'server-key.pem': server.key,
      'ca-cert.pem': authority.certificate,
      'DIR/ca-cert.pem': authority.certificate,
      'DIR/client-cert.pem': client.certificate,
      'DIR/client-key.pem': client.key,
    },
    before: [...disk, 'firn serve', aVolume('my-disk'), ...attached, 'mv disk.raw before.raw'],
    names: {
      // The two copies go to one name, of which each wants to be the first.
      'npm run --silent firn -- volume export my-disk disk.raw':
        'firn volume detach my-disk && npm run --silent firn -- volume export my-disk other.raw',
    },
    after: ['cmp -n 5242880 disk.raw before.raw', 'cmp disk.raw other.raw'],
  },
  {
    path: 'docs/guide/plans.md',
    before: [...disk, ...running, aVolume('my-volume'), aBackup],
    after: ['firn backup list | grep "nightly 20"', 'firn plan delete nightly --delete-made'],
  },
  {
    path: 'docs/guide/restore.md',
    peers: ['nbdcopy', 'openstack'],
    before: [
      ...disk,
      ...running,
      aVolume('my-volume'),
      aBackup,
      'firn volume create data --size 1',
      'mv disk.raw before.raw',
      mounted,
    ],
    names: {
      'firn backup mount my-backup': 'mounted',
      "'nbd+unix:///NAME?socket=firn-data/nbd.sock'": '"$(grep -oE "nbd.unix:[^ ]*" .said)"',
    },
    after: [
      'kill -INT $JOB',
      'cmp -n 5242880 disk.raw before.raw',
      ...['copy', 'large', 'soon', 'data'].flatMap((name) => [
        `firn volume export ${name} ${name}.raw`,
        `cmp -n 5242880 before.raw ${name}.raw`,
      ]),
    ],
  },
  {
    path: 'docs/guide/verify.md',
    peers: ['mkfs.ext4', 'openstack'],
    before: ['mkfs.ext4 -q disk.raw 32M', ...running, aVolume('my-volume'), aBackup],
    after: [
      'openstack volume backup show my-backup --os-volume-api-version 3.43 | grep firn:verified',
    ],
  },
  {
    path: 'docs/guide/volume-types.md',
    peers: ['openstack', 'cinder', 'qemu-img'],
    files: { '/srv/disks/old-server.raw': 'the content of an old disk' },
    before: [
      ...running,
      'qemu-img create -q -f qcow2 debian.qcow2 1G',
      'openstack project create research',
      'openstack role add --project research --user admin member',
      'PROJECT=$(openstack project show research -f value -c id)',
      gift,
    ],
    names: {
      PROJECT_ID: '$PROJECT',
      // A volume becomes an image with all of its zeros.
      '--image debian --size 10': '--image debian --size 1',
      '--name gift disk': '--name gift disk -f json | tee gift.json',
      'accept --auth-key KEY ID': '--os-project-name research accept $(gift)',
    },
  },
  {
    path: 'docs/guide/without-firn.md',
    peers: ['nbdcopy'],
    before: [
      ...disk,
      'firn serve --store file:///srv/backups --store-copy file:///srv/offsite --key-file firn.key',
      aVolume('my-volume'),
      aBackup,
      'kill $(cat firn-data/firn.pid)',
      'rm -r firn-data',
      'mv disk.raw before.raw',
      until,
      'copy() { nbdcopy $(grep -oE "nbd://[^ ]*" .said) mounted.raw; }',
    ],
    names: { 'firn repository mount': 'until_said nbd:// copy firn repository mount' },
    after: ['cmp -n 5242880 disk.raw before.raw', 'cmp -n 5242880 mounted.raw before.raw'],
  },
];

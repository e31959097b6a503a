/** The documents for operators, and what each takes for granted. */
import type { Chapter } from './chapter.ts';

const recover = 'docs/operate/recover.md';
const atData = '--data /srv/firn';

/** A Firn with a volume, a backup and a plan, as the document on recovery takes for granted. */
const before: readonly string[] = [
  'head -c 5M /dev/urandom > before.raw',
  'mkdir -m 700 /srv/firn /media/safe /mnt/backups',
  'echo "store: { url: file:///mnt/backups }" > /srv/firn/firn.yaml',
  `firn serve ${atData}`,
  `firn volume import before.raw --name my-volume ${atData}`,
  `firn backup create my-volume --name my-backup --wait ${atData}`,
  `cp /srv/firn/firn.key /media/safe/firn.key`,
];

const killed = 'kill -9 $(cat /srv/firn/firn.pid)';

/** That a volume holds what it held before everything was lost. */
const isBack = (name: string): string[] => [
  `firn volume export ${name} ${name}.raw ${atData}`,
  `cmp -n 5242880 before.raw ${name}.raw`,
];

/** Eight bytes of every pack are others now: of one alone it could be the same. */
const damage =
  'find /mnt/backups -path "*/packs/*" -type f | while read f; do ' +
  `printf XXXXXXXX | dd of=$f bs=1 seek=2000000 conv=notrunc status=none; done`;

export const operateChapters: readonly Chapter[] = [
  {
    path: recover,
    headings: ['Recovering', 'Beforehand'],
    peers: [],
    before,
    after: ['grep -i "key" /media/safe/sheet.txt'],
  },
  {
    path: recover,
    headings: ['The host is lost'],
    peers: [],
    before: [...before, killed, 'rm -r /srv/firn'],
    after: isBack('my-volume'),
  },
  {
    path: recover,
    headings: ['The catalogue is lost or damaged'],
    peers: [],
    before: [
      ...before,
      `VOLUME=$(firn volume list ${atData} --json | grep -oE "[0-9a-f-]{36}" | head -1)`,
      // Damaged while it is in use.
      'dd if=/dev/urandom of=/srv/firn/catalog.sqlite bs=4096 count=8 conv=notrunc status=none',
    ],
    names: { VOLUME: '$VOLUME' },
    after: [
      ...isBack('my-volume'),
      `firn backup restore my-backup --name again --wait ${atData}`,
      ...isBack('again'),
    ],
  },
  {
    path: recover,
    headings: ['The key file is lost'],
    peers: [],
    before: [
      ...before,
      `firn repository key export ${atData} > /media/safe/sheet.txt`,
      'rm /srv/firn/firn.key',
    ],
    after: [
      ...isBack('my-rescued-volume'),
      'cmp /srv/firn/firn.key /media/safe/firn.key',
      killed,
      `firn serve ${atData}`,
      `firn backup restore my-backup --name again --wait ${atData}`,
      ...isBack('again'),
    ],
  },
  {
    path: recover,
    headings: ['The store is lost'],
    peers: [],
    before: [
      ...before,
      `firn plan create nightly --every daily --volume my-volume ${atData}`,
      'rm -r /mnt/backups',
    ],
    after: [
      `until firn backup list ${atData} | grep "nightly 20.*available"; do sleep 0.2; done`,
      // By its id: a run that failed before may have the name of the same minute.
      `ROW=$(firn backup list ${atData} | grep "nightly 20.*available" | head -1)`,
      'ID=$(echo "$ROW" | grep -oE "[0-9a-f-]{36}" | head -1)',
      `firn backup restore "$ID" --name again --wait ${atData}`,
      ...isBack('again'),
    ],
  },
  {
    path: recover,
    headings: ['One backup is damaged'],
    peers: [],
    before: [...before, damage],
    after: [
      `firn backup restore my-backup --name again --wait ${atData}`,
      ...isBack('again'),
      killed,
    ],
  },
  {
    path: 'docs/operate/configuration.md',
    peers: [],
    // The addresses and certificates of the example are not this machine's.
    before: ['cp test/documents/nbd*.pem /etc/firn 2>/dev/null; mkdir -p /mnt/backups'],
    after: ['firn config options | grep store.url'],
  },
  {
    path: 'docs/operate/install.md',
    peers: [],
    files: { '/srv/firn/firn.yaml': 'store: { url: file:///mnt/backups }\n' },
    names: {
      '-o firn -g firn ': '',
      '/usr/local/bin': '.',
      '/opt/firn/bin': '$PWD/scripts/../bin',
    },
    before: ['mkdir -m 700 /mnt/backups'],
  },
  {
    path: 'docs/operate/monitoring.md',
    peers: ['promtool'],
    before: ['cp docs/operate/firn-alerts.yml .'],
    after: ['promtool check config prometheus.yml', 'grep requestId firn.log'],
  },
  {
    path: 'docs/operate/stores.md',
    peers: [],
    before: ['mkdir /mnt/backups'],
    after: ['[ "$(find /mnt/backups -type f)" = "" ]'],
  },
  {
    path: 'docs/operate/webhooks.md',
    peers: ['openstack', 'curl'],
    before: ['firn serve', '. firn-data/openrc'],
    names: { 'http://127.0.0.1:8776': '${OS_AUTH_URL%/identity/v3}' },
  },
  {
    path: 'README.md',
    headings: ['Firn', 'First steps'],
    before: ['head -c 5M /dev/urandom > disk.raw'],
    after: ['firn backup list | grep first'],
  },
  {
    path: 'README.md',
    headings: ['Settings'],
    peers: [],
    before: [
      'head -c 5M /dev/urandom > disk.raw',
      'firn serve --store file:///mnt/backups --key-file firn.key',
      'firn volume import disk.raw --name my-disk',
      'firn backup create my-disk --name first --wait',
      'kill -9 $(cat firn-data/firn.pid)',
      'rm -r firn-data',
    ],
    after: [
      'firn backup restore first --name again --wait --data new-data',
      'firn volume export again again.raw --data new-data',
      'cmp -n 5242880 disk.raw again.raw',
    ],
  },
];

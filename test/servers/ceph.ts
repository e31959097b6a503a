/** A real Ceph of one monitor and one memory-only OSD, with its S3 server RGW in front. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from './free-ports.ts';
import { Processes } from './processes.ts';
import type { TemporaryServer } from './swift.ts';

const run = promisify(execFile);
const attemptsMax = 1800;

export const hasCeph = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin'].every((program) =>
  existsSync(join('/usr/bin', program)),
);

/** An S3 user of RGW. */
export interface S3User {
  readonly name: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface TemporaryCeph extends TemporaryServer {
  makeUser(user: S3User, options?: readonly string[]): Promise<void>;
  /** Lets all objects of a user take so many bytes together; undefined: no quota. */
  setQuota(userName: string, bytes: number | undefined): Promise<void>;
}

/** Starts it without users. It answers after about two seconds. */
export async function startCeph(): Promise<TemporaryCeph> {
  const processes = await Processes.open('ceph');
  const { folder } = processes;
  for (const name of ['mon', 'osd', 'rgw']) await mkdir(join(folder, name));
  const [monPort = 0, httpPort = 0] = await freePorts(2);
  const fsid = randomUUID();
  const settings = join(folder, 'ceph.conf');
  await writeFile(settings, configuration({ folder, fsid, monPort, httpPort }));
  const environment = { CEPH_CONF: settings };
  const command = async (program: string, ...options: readonly string[]): Promise<void> => {
    await run(program, options, { cwd: folder, env: { ...process.env, ...environment } });
  };
  try {
    const address = `[v2:127.0.0.1:${monPort}/0]`;
    await command('monmaptool', '--create', '--fsid', fsid, '--addv', 'a', address, 'monmap');
    await command('ceph-mon', '-i', 'a', '--mkfs', '--monmap', 'monmap');
    processes.start('ceph-mon', ['-f', '-i', 'a'], { environment });
    const osd = randomUUID();
    await command('ceph', 'osd', 'new', osd);
    await command('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd);
    processes.start('ceph-osd', ['-f', '-i', '0'], { environment });
    const gateway = ['-f', '-n', 'client.rgw'];
    // Ended first, and at once: what it holds is thrown away with the rest.
    processes.start('radosgw', gateway, { environment, signal: 'SIGKILL' });
    const url = `http://127.0.0.1:${httpPort}`;
    await answers(url);
    return {
      url,
      stop: () => processes.stop(),
      async makeUser({ name, accessKey, secretKey }, options = []) {
        const keys = ['--access-key', accessKey, '--secret-key', secretKey, ...options];
        const who = ['--uid', name, '--display-name', name];
        await command('radosgw-admin', '-n', 'client.rgw', 'user', 'create', ...who, ...keys);
      },
      async setQuota(userName, bytes) {
        const which = ['--quota-scope', 'user', '--uid', userName];
        const size = ['--max-size', String(bytes ?? -1)];
        await command('radosgw-admin', '-n', 'client.rgw', 'quota', 'set', ...which, ...size);
        await command('radosgw-admin', '-n', 'client.rgw', 'quota', 'enable', ...which);
      },
    };
  } catch (error) {
    await processes.stop();
    throw error;
  }
}

async function answers(url: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await (await fetch(url)).arrayBuffer();
      return;
    } catch (error) {
      if (attempt === attemptsMax) throw error;
      await sleep(100);
    }
  }
}

interface Places {
  readonly folder: string;
  readonly fsid: string;
  readonly monPort: number;
  readonly httpPort: number;
}

function configuration({ folder, fsid, monPort, httpPort }: Places): string {
  return `
[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monPort}/0]
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
run dir = ${folder}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 10000
mon data avail warn = 1
mon data avail crit = 1
paxos propose interval = 0.02
paxos min wait = 0.01
log to file = false
mon cluster log to file = false
[mon]
admin socket = ${folder}/mon.asok
mon data = ${folder}/mon
[osd]
admin socket = ${folder}/osd.asok
osd data = ${folder}/osd
osd objectstore = memstore
memstore device bytes = 2147483648
[client.rgw]
rgw data = ${folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:${httpPort} tcp_nodelay=1
`;
}

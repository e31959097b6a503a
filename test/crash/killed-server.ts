/**
 * A real Firn that is killed (SIGKILL) again and again while guests write and its API is used.
 * After each restart: what was flushed is there, what was not is old or new sector by sector,
 * snapshots hold their instant, the layers are sound, and no work is left lying.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Random, seeded } from '../../demo/random.ts';
import { must } from '../../src/base/assert.ts';
import { GiB } from '../../src/base/bytes.ts';
import { monotonicMs } from '../../src/base/clock.ts';
import { isOperatingError } from '../../src/base/errors.ts';
import { connectNbd, type NbdClient } from '../../src/client/nbd.ts';
import { checkFolder } from '../../src/inspect/check.ts';
import { BlockStorage, idOf } from '../block-storage.ts';
import type { Scene } from '../firn.ts';
import {
  countUntilCut,
  counterPlace,
  CounterSteps,
  readPlaces,
  writeUntilCut,
} from './guest-writer.ts';
import { KnownSnapshots } from './known-snapshots.ts';
import { SectorHistory } from './sector-history.ts';

const connectionsEach = 2;
const killWithinMs = 1200;
const settleWithinMs = 180_000;

interface Disk {
  readonly id: string;
  readonly history: SectorHistory;
  /** GiB; the second is what it may be when an extension was not acknowledged. */
  sizes: [number, number];
}

export interface KillCounts {
  kills: number;
  writes: number;
  flushes: number;
  /** By what was asked of the API, how often it was acknowledged. */
  readonly asked: Record<string, number>;
}

/** Two volumes of one group on a server that is killed. */
export class KilledServer {
  readonly counts: KillCounts = { kills: 0, writes: 0, flushes: 0, asked: {} };
  readonly #scene: Scene;
  readonly #random: Random;
  readonly #disks: Disk[] = [];
  readonly #snapshots: KnownSnapshots;
  readonly #steps = new CounterSteps();
  #storage: BlockStorage;
  #groupId = '';
  #nextTurn = 0;

  constructor(scene: Scene, seed: number) {
    this.#scene = scene;
    this.#random = seeded(seed);
    this.#storage = new BlockStorage(scene.dataFolder);
    this.#snapshots = new KnownSnapshots(() => this.#storage);
  }

  async begin(): Promise<void> {
    const storage = this.#storage;
    const group = { group_type: 'default_cgsnapshot_type', volume_types: ['__DEFAULT__'] };
    this.#groupId = idOf(await storage.post('/groups', { group }));
    for (const disk of [0, 1]) {
      const volume = { size: 1, volume_type: '__DEFAULT__', group_id: this.#groupId };
      const id = idOf(await storage.post('/volumes', { volume }));
      assert.equal(await storage.settled(`/volumes/${id}`), 'available');
      this.#disks.push({ id, history: new SectorHistory(disk), sizes: [1, 1] });
    }
  }

  /** Works, is killed at a random moment, is started again, and everything is compared. */
  async round(): Promise<void> {
    const connections = await this.#connect();
    const guests = this.#disks.map((disk, index) =>
      writeUntilCut(must(connections[index], 'connections'), disk.history, {
        random: this.#random,
        counts: this.counts,
      }),
    );
    const pair = this.#disks.map(
      ({ history }, index) => [must(connections[index]?.[0], 'a connection'), history] as const,
    );
    guests.push(countUntilCut(pair, { next: this.#nextTurn, steps: this.#steps }));
    const operator = this.#useApi();
    const working = Promise.all([...guests, operator]);
    const { flushes } = this.counts;
    const over = new AbortController();
    const soon = sleep(50 + this.#random() * killWithinMs);
    await Promise.race([soon, working.finally(() => over.abort())]);
    // A slow machine has as long as it takes to keep something that must not be lost.
    while (!over.signal.aborted && this.counts.flushes === flushes) await sleep(5);
    await this.#scene.firn.kill();
    await working;
    this.counts.kills += 1;
    await this.#assertSound();
    await this.#scene.restart();
    this.#storage = new BlockStorage(this.#scene.dataFolder);
    await this.#settled();
    await this.#compare();
  }

  async #connect(): Promise<NbdClient[][]> {
    return await Promise.all(
      this.#disks.map(async ({ id }) => {
        const attachment = await this.#scene.client.attach(id, { host: 'guest', mode: 'rw' });
        const uri = must(attachment.connection_info.unix_uri, 'the address of the volume');
        const each = Array.from({ length: connectionsEach }, () => connectNbd({ uri }));
        return await Promise.all(each);
      }),
    );
  }

  /** Uses the API until it is gone. */
  async #useApi(): Promise<void> {
    for (;;) {
      try {
        const name = await this.#act();
        this.counts.asked[name] = (this.counts.asked[name] ?? 0) + 1;
      } catch (error) {
        if (!isOperatingError(error, 'unavailable')) throw error;
        return;
      }
    }
  }

  async #act(): Promise<string> {
    const kind = this.#random();
    const disk = must(this.#disks[this.#random() < 0.5 ? 0 : 1], 'a disk');
    const wait = this.#random() < 0.7;
    if (kind < 0.4) {
      await this.#snapshots.take([disk], { wait });
      return 'snapshot';
    }
    if (kind < 0.6) {
      await this.#snapshots.takeGroup(this.#groupId, this.#disks, { wait });
      return 'group snapshot';
    }
    if (kind < 0.9) return (await this.#snapshots.deleteOne(this.#random)) ? 'delete' : 'nothing';
    if (disk.sizes[0] >= 4 || kind < 0.95) return 'nothing';
    const size = disk.sizes[0] + 1;
    disk.sizes = [disk.sizes[0], size];
    await this.#scene.client.extend(disk.id, size);
    disk.sizes = [size, size];
    await this.#until('the volume is extended', async () => {
      return (await this.#scene.client.volumes.show(disk.id)).status !== 'extending';
    });
    return 'extend';
  }

  /** What the killed process left is no damage: neither before nor after the next start. */
  async #assertSound(): Promise<void> {
    const { findings } = await checkFolder(join(this.#scene.dataFolder, 'volumes'));
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'damage'),
      [],
    );
  }

  /** Whatever was under way comes to a good end. */
  async #settled(): Promise<void> {
    const storage = this.#storage;
    for (const kind of ['volumes', 'snapshots', 'group_snapshots', 'groups']) {
      await this.#until(`all ${kind} are settled`, async () => {
        const statuses = (await storage.list(kind)).map((item) => JSON.stringify(item['status']));
        assert.ok(
          !statuses.some((status) => status.startsWith('"error')),
          `${kind}: ${statuses.join()}`,
        );
        return statuses.every((status) => status === '"available"' || status === '"in-use"');
      });
    }
    await this.#until('all jobs have ended', async () => (await storage.unfinishedJobs()) === 0);
    for (const { id } of this.#disks) {
      const { attachments } = await this.#scene.client.volumes.show(id);
      for (const { attachment_id: attached } of attachments) {
        await this.#scene.client.detach(attached);
      }
      assert.equal(await storage.settled(`/volumes/${id}`), 'available');
    }
  }

  async #compare(): Promise<void> {
    const steps: number[] = [];
    for (const [index, disk] of this.#disks.entries()) {
      const { id, history } = disk;
      const found = await this.#readVolume(disk, (bytes) =>
        history.identify(bytes, { least: history.flushed, most: history.issued }, `volume ${id}`),
      );
      this.#snapshots.crashed(id, history.issued.slice());
      history.rebase(found);
      steps.push(this.#steps.stepOf(index, must(found[counterPlace], 'the counter')));
    }
    assertInOrder(steps, 'the volumes');
    this.#nextTurn = Math.max(...steps) + 1;
    for (const set of await this.#snapshots.identify(this.#scene, this.#disks)) {
      assertInOrder(
        set.map((found, index) =>
          this.#steps.stepOf(index, must(found[counterPlace], 'a counter')),
        ),
        'a group snapshot',
      );
    }
  }

  async #readVolume<T>(disk: Disk, identify: (content: Buffer) => T): Promise<T> {
    const { client } = this.#scene;
    const { size } = await client.volumes.show(disk.id);
    assert.ok(disk.sizes.includes(size), `${size} GiB`);
    disk.sizes = [size, size];
    const attachment = await client.attach(disk.id, { host: 'reader', mode: 'ro' });
    const uri = must(attachment.connection_info.unix_uri, 'the address of the volume');
    const connection = await connectNbd({ uri });
    assert.equal(connection.lengthBytes, size * GiB);
    const content = await readPlaces(connection);
    await connection.disconnect();
    await client.detach(attachment.id);
    return identify(content);
  }

  async #until(what: string, look: () => Promise<boolean>): Promise<void> {
    const startMs = monotonicMs();
    while (!(await look())) {
      assert.ok(monotonicMs() - startMs < settleWithinMs, `in time: ${what}`);
      await sleep(20);
    }
  }
}

/** Steps are made on the two disks by turns, so they are never further apart than one. */
function assertInOrder(steps: readonly number[], what: string): void {
  const [first = 0, second = 0] = steps;
  assert.equal(Math.abs(first - second), 1, `${what}: steps ${first} and ${second}`);
}

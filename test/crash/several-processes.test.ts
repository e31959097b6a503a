/**
 * Two writers and two pruners in one container, each a process of its own; of each kind one is
 * killed (SIGKILL). They make the repository together, too. Whatever was said to be backed up and
 * not to be deleted is there afterwards, byte for byte.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { seeded } from '../../demo/random.ts';
import { must } from '../../src/base/assert.ts';
import { assertRestores } from '../../src/repository/model-volume.ts';
import { ActorVolume, openShared, type Said } from './repository-actor.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? Math.floor(performance.timeOrigin % 2 ** 31));
const program = fileURLToPath(new URL('./repository-actor.ts', import.meta.url));
process.stdout.write(`# several-processes.test.ts: FIRN_TEST_SEED=${seed}\n`);

class Actor {
  readonly said: Said[] = [];
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #heard = (): void => {};

  constructor(...options: string[]) {
    const stdio = ['pipe', 'pipe', 'inherit'] as const;
    this.child = spawn(process.execPath, [program, ...options], { stdio: [...stdio] });
    this.#ended = once(this.child, 'close');
    createInterface({ input: must(this.child.stdout, 'its output') }).on('line', (line) => {
      this.said.push(JSON.parse(line));
      this.#heard();
    });
  }

  /** Waits until it has said so many things. */
  async heard(count: number): Promise<void> {
    while (this.said.length < count) {
      assert.equal(this.child.exitCode, null, 'it goes on');
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
        void this.#ended.then(() => resolve());
      });
    }
  }

  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#ended;
  }

  async stop(): Promise<void> {
    this.child.stdin?.end();
    await this.#ended;
    assert.equal(this.child.exitCode, 0, 'it ended well');
  }
}

test('writers and pruners of several processes do each other no harm', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-several-'));
  const random = seeded(seed);
  const writers = [1, 2].map((n) => new Actor('write', folder, String(seed + n)));
  const pruners = [1, 2].map(() => new Actor('prune', folder));
  t.after(async () => {
    for (const actor of [...writers, ...pruners]) actor.child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  const [stays, dies] = [must(writers[0], 'a writer'), must(writers[1], 'a writer')];
  await dies.heard(8 + Math.floor(random() * 8));
  await dies.kill();
  await must(pruners[1], 'a pruner').kill();
  const before = stays.said.length;
  await stays.heard(before + 12);
  await stays.stop();
  await must(pruners[0], 'a pruner').stop();

  const repository = await openShared(folder);
  // Whoever was killed is not waited for.
  const { waitsFor } = await repository.executePrune(await repository.planPrune());
  assert.deepEqual(waitsFor, []);
  const store = join(folder, 'shared');
  assert.deepEqual(await readdir(join(store, 'leases')), []);
  for (const [n, { said }] of writers.entries()) {
    const deleted = new Set(said.flatMap((it) => (it.did === 'delete' ? [it.backupId] : [])));
    const actor = new ActorVolume(seed + n + 1);
    for (const it of said) {
      if (it.did !== 'back up') continue;
      assert.equal(actor.advance(), it.step);
      if (deleted.has(it.backupId)) continue;
      const manifest = await repository.readManifest(it.backupId);
      await assertRestores(repository, manifest, actor.volume);
    }
  }
  const report = await repository.verify('all', 'blocks');
  assert.deepEqual([report.objects, report.backups], [[], []]);
  await repository.close();
});

test('a writer relies on nothing that another process has pruned since it began', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-several-'));
  const writer = new Actor('same', folder, String(seed));
  const pruners: Actor[] = [];
  t.after(async () => {
    for (const actor of [writer, ...pruners]) actor.child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  writer.tell('back up');
  writer.tell('delete');
  await writer.heard(2);
  const pruner = new Actor('prune', folder);
  pruners.push(pruner);
  const freed = (): boolean => pruner.said.some((it) => it.did === 'prune' && it.packsRemoved > 0);
  for (let count = 1; !freed(); count += 1) await pruner.heard(count);
  await pruner.stop();
  // All that the writer stored is gone, and it has seen nothing of that.
  writer.tell('back up');
  await writer.heard(3);
  await writer.stop();
  const said = must(writer.said[2], 'the second backup');
  assert.ok(said.did === 'back up');
  const repository = await openShared(folder);
  const actor = new ActorVolume(seed);
  actor.advance();
  await assertRestores(repository, await repository.readManifest(said.backupId), actor.volume);
  await repository.close();
});

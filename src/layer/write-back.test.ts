import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { WriteBack } from './write-back.ts';

/** A clock of our own, and how often the disk was told to begin. */
class Scene {
  now = 0;
  begun = 0;
  /** What the step under way waits for. */
  step = Promise.withResolvers<void>();

  make(): WriteBack {
    const begin = async (): Promise<void> => {
      this.begun += 1;
      await this.step.promise;
    };
    return new WriteBack(begin, () => this.now);
  }

  async endStep(): Promise<void> {
    this.step.resolve();
    await new Promise(setImmediate);
    this.step = Promise.withResolvers();
  }

  /** Writes so much in so many milliseconds, 4 KiB at a time. */
  write(writeBack: WriteBack, bytes: number, tookMs: number): void {
    const count = bytes / (4 * KiB);
    for (let index = 0; index < count; index += 1) {
      this.now += tookMs / count;
      writeBack.note(4 * KiB);
    }
  }
}

test('what is written slowly goes to the disk every few MiB, one step at a time', async () => {
  const scene = new Scene();
  const writeBack = scene.make();
  scene.write(writeBack, 3 * MiB, 1000);
  assert.equal(scene.begun, 0);
  scene.write(writeBack, 2 * MiB, 1000);
  assert.equal(scene.begun, 1);
  scene.write(writeBack, 20 * MiB, 1000);
  assert.equal(scene.begun, 1, 'the first step is under way');
  await scene.endStep();
  scene.write(writeBack, 4 * KiB, 1);
  assert.equal(scene.begun, 2);
});

test('what is written fast is left to the sync', async () => {
  const scene = new Scene();
  const writeBack = scene.make();
  scene.write(writeBack, 100 * MiB, 1000);
  assert.equal(scene.begun, 0);
});

test('what was left to the sync is not written by a slower guest either', async () => {
  const scene = new Scene();
  const writeBack = scene.make();
  scene.write(writeBack, 100 * MiB, 1000);
  scene.now += 1000;
  scene.write(writeBack, 100 * MiB, 1000);
  scene.write(writeBack, 8 * MiB, 1000);
  assert.equal(scene.begun, 0);
  writeBack.noteSync();
  scene.write(writeBack, 4 * MiB, 1000);
  assert.equal(scene.begun, 1, 'a sync has taken it');
  await scene.endStep();
  scene.write(writeBack, 8 * MiB, 10);
  scene.now += 30_000;
  scene.write(writeBack, 4 * MiB, 1000);
  assert.equal(scene.begun, 2, 'the kernel has written it by itself');
});

test('what a sync takes needs no step', () => {
  const scene = new Scene();
  const writeBack = scene.make();
  for (let sync = 0; sync < 10; sync += 1) {
    scene.write(writeBack, 3 * MiB, 1000);
    writeBack.noteSync();
  }
  assert.equal(scene.begun, 0);
});

test('while snapshots follow each other within a second the disk begins at once', async () => {
  const scene = new Scene();
  const first = scene.make();
  const successor = scene.make();
  successor.succeed(first);
  scene.write(successor, 100 * MiB, 500);
  assert.equal(scene.begun, 0, 'no snapshot came before');
  const next = scene.make();
  next.succeed(successor);
  scene.write(next, 8 * MiB, 10);
  assert.equal(scene.begun, 1);
  await scene.endStep();
  scene.write(next, 8 * MiB, 10);
  assert.equal(scene.begun, 2);
  await scene.endStep();
  scene.now += 1000;
  scene.write(next, 4 * MiB, 10);
  await scene.endStep();
  const { begun } = scene;
  scene.write(next, 100 * MiB, 500);
  assert.equal(scene.begun, begun, 'no further snapshot came');
});

/** The thread of `hash-thread.ts`. */
import { createHash, type Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { must } from '../../base/assert.ts';
import type { HashAnswer, HashTask } from './hash-task.ts';

const port = must(parentPort, 'this runs as a thread');
const open = new Map<number, { md5: Hash; sha512: Hash }>();

const answer = (said: HashAnswer): void => port.postMessage(said, []);

port.on('message', (task: HashTask) => {
  const { id, kind } = task;
  if (kind === 'end') {
    port.close();
    return;
  }
  const hashes = open.get(id) ?? { md5: createHash('md5'), sha512: createHash('sha512') };
  if (kind === 'chunk') {
    open.set(id, hashes);
    hashes.md5.update(task.chunk);
    hashes.sha512.update(task.chunk);
    answer({ id });
    return;
  }
  open.delete(id);
  if (kind === 'drop') return;
  answer({ id, digests: { md5: hashes.md5.digest('hex'), sha512: hashes.sha512.digest('hex') } });
});

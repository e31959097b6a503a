import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';

/**
 * Copies a folder that an engine works in, as it is at this moment, holes as holes.
 *
 * The copy blocks this process, but not its threads: a call that one of them has begun may end in
 * between. Then the copy is made anew.
 */
export function copyFolder(from: string, to: string): void {
  for (;;) {
    const copy = spawnSync('cp', ['-a', '--sparse=always', from, to], { encoding: 'utf8' });
    if (copy.status === 0) return;
    assert.match(copy.stderr, /No such file or directory/);
    rmSync(to, { recursive: true, force: true });
  }
}

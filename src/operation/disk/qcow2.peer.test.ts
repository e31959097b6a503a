/** Images of every kind that `qemu-img` writes, read as it would. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { randomBytes, seeded } from '../../../demo/random.ts';
import { needs } from '../../../test/peer.ts';
import { qcow2Disk } from './qcow2-disk.ts';

const kinds = ['compat=0.10', 'compat=1.1', 'cluster_size=4096', 'compression_type=zstd'];

test('what qemu-img writes is read', needs('qemu-img'), async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-qcow2-'));
  t.after(() => rm(folder, { recursive: true }));
  const raw = join(folder, 'raw');
  const content = Buffer.alloc(9_000_448);
  randomBytes(seeded(3), 1 << 20).copy(content, 300_000);
  content.fill('text that can be compressed ', 4_000_000, 6_000_000);
  content.write('end', content.length - 3);
  await writeFile(raw, content);
  for (const kind of kinds) {
    for (const packed of [[], ['-c']]) {
      const path = join(folder, `${kind}${packed.join('')}`);
      const options = ['-f', 'raw', '-O', 'qcow2', '-o', kind, ...packed];
      execFileSync('qemu-img', ['convert', ...options, raw, path]);
      const { size } = await stat(path);
      await using file = await open(path);
      const whole = await readFile(file);
      const disk = await qcow2Disk({
        sizeBytes: size,
        read: async (offset, length) => whole.subarray(offset, offset + length),
      });
      const found = Buffer.alloc(disk.lengthBytes);
      for await (const piece of disk.pieces()) found.set(piece.bytes, piece.offsetBytes);
      assert.ok(found.equals(content), `${kind} ${packed.join('')}`);
    }
  }
});

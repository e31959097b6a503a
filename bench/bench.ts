/**
 * `npm run bench`: Firn beside the peers that are installed, on the same image in the same run.
 *
 * Usage: npm run bench -- [--rounds 3] [--data-mib 1024] [--seed 1] [--only NAME]…
 *
 * `--only` takes the contenders whose names contain one of these words.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MiB, roundUp, GiB } from '../src/base/bytes.ts';
import { seeded } from '../demo/random.ts';
import { firn } from './firn.ts';
import type { Contender, Image, Step } from './contender.ts';
import { makeImage, randomWrites } from './image.ts';
import { installedPeers } from './peers.ts';
import { type Results, resultsTable } from './results.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    'data-mib': { type: 'string', default: '1024' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true, default: [''] },
  },
});
const rounds = Number(values.rounds);
const dataBytes = Number(values['data-mib']) * MiB;
const changedShare = 0.01;

/** One contender's whole day, in the order in which it happens to a user. */
async function round(contender: Contender, image: Image, seed: number): Promise<Results> {
  const results: Results = new Map();
  const keep = (name: string, step: Step | undefined): void => {
    if (step !== undefined) results.set(name, [step]);
  };
  try {
    await contender.prepare(image);
    keep('full', await contender.full());
    const random = seeded(seed);
    for (const name of ['incremental', 'next']) {
      await contender.change(randomWrites(image, changedShare, random));
      keep(name, await contender.incremental());
    }
    keep('unchanged', await contender.unchanged());
    keep('restore', await contender.restore());
    await contender.check();
    keep('snapshot', await contender.snapshot());
  } finally {
    await contender.close();
  }
  return results;
}

async function bench(folder: string): Promise<void> {
  const seed = Number(values.seed);
  const lengthBytes = roundUp(dataBytes, GiB) * 4;
  const path = join(folder, 'image.raw');
  const image = await makeImage(path, { lengthBytes, dataBytes }, seeded(seed));
  const every = [firn(join(folder, 'firn')), ...installedPeers(folder)];
  const contenders = every.filter(({ name }) =>
    values.only.some((word) => name.toLowerCase().includes(word.toLowerCase())),
  );
  const all = new Map<string, Results>(contenders.map(({ name }) => [name, new Map()]));
  for (let index = 0; index < rounds; index += 1) {
    for (const contender of contenders) {
      process.stderr.write(`round ${index + 1} of ${rounds}: ${contender.name}\n`);
      for (const [step, measured] of await round(contender, image, seed + 1 + index)) {
        const results = all.get(contender.name);
        results?.set(step, [...(results.get(step) ?? []), ...measured]);
      }
    }
  }
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`;
  process.stdout.write(resultsTable(all, { machine, image, rounds, seed, changedShare }));
}

const folder = await mkdtemp(join(tmpdir(), 'firn-bench-'));
try {
  await bench(folder);
} finally {
  await rm(folder, { recursive: true, force: true });
}

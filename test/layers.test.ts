/** Imports point down: the table of docs/architecture.md, proven from the source text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, sourceFiles } from './source-files.ts';

/** Each folder of `src/` and the folders whose modules it may import, besides `base` and itself. */
const allowed: Record<string, readonly string[]> = {
  base: [],
  store: [],
  repository: ['store'],
  cinder: ['store', 'repository'],
  layer: [],
  volume: ['layer'],
  inspect: ['layer', 'volume'],
  nbd: ['volume'],
  dataplane: ['volume', 'nbd'],
  backup: ['volume', 'repository', 'store'],
  catalog: [],
  identity: ['catalog'],
  job: ['catalog'],
  operation: ['identity', 'job', 'catalog', 'volume', 'backup', 'nbd'],
  plan: ['operation', 'identity', 'job', 'catalog'],
  webhook: ['operation', 'identity', 'job', 'catalog'],
  api: ['operation', 'plan', 'webhook', 'identity', 'catalog', 'job'],
  client: [],
  cli: ['client', 'inspect', 'server', 'cinder', 'repository', 'store', 'volume', 'nbd'],
  server: [
    'store',
    'repository',
    'layer',
    'volume',
    'nbd',
    'dataplane',
    'backup',
    'catalog',
    'identity',
    'job',
    'operation',
    'plan',
    'webhook',
    'api',
  ],
};

/** Folders of which only some modules may be imported from above. */
const onlyModules: Record<string, Record<string, readonly string[]>> = {
  nbd: { volume: ['src/volume/block-device.ts'] },
  cli: {
    server: [
      'src/server/serve.ts',
      'src/server/data-folder.ts',
      'src/server/config.ts',
      'src/server/doctor.ts',
      'src/server/config-options.ts',
      'src/server/config-source.ts',
      'src/server/key-file.ts',
      'src/server/rotate-key.ts',
    ],
  },
};

const isTest = (path: string): boolean => /\.test\.ts$|-contract\.ts$|-fixture\.ts$/.test(path);

/** What is wrong with one import, or undefined. */
function violation(from: string, to: string): string | undefined {
  const folder = from.split('/')[1] ?? '';
  const [top, target] = to.split('/');
  if (top !== 'src') return `${from} imports ${to}, which is outside src`;
  if (target === undefined || target === folder || target === 'base') return undefined;
  if (allowed[folder]?.includes(target) !== true) return `${from} imports ${to}: not down the list`;
  const only = onlyModules[folder]?.[target];
  if (only?.includes(to) === false) return `${from} imports ${to}, and may only ${only.join()}`;
  return undefined;
}

test('every folder of src is in the table', () => {
  const folders = new Set(sourceFiles(['src']).map((file) => file.path.split('/')[1] ?? ''));
  assert.deepEqual(
    [...folders].filter((folder) => !(folder in allowed)),
    [],
  );
});

test('imports point down the list only', () => {
  const files = sourceFiles(['src']).filter((file) => !isTest(file.path));
  const imports = files.flatMap((file) => importsOf(file).map((to) => [file.path, to] as const));
  assert.ok(imports.length > 100, 'the imports were found');
  assert.deepEqual(imports.map(([from, to]) => violation(from, to)).filter(Boolean), []);
});

test('the check notices an upward import, and one that is only partly allowed', () => {
  assert.match(violation('src/layer/map.ts', 'src/volume/engine.ts') ?? '', /not down the list/);
  assert.match(violation('src/nbd/server.ts', 'src/volume/engine.ts') ?? '', /may only/);
  assert.equal(violation('src/nbd/server.ts', 'src/volume/block-device.ts'), undefined);
});

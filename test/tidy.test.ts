/** The house rules that a machine can check. No file is exempt. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, type SourceFile, sourceFiles } from './source-files.ts';

const linesMax = 500;
const testLinesMax = 800;
const columnsMax = 100;
const functionLinesMax = 70;

const isTest = (path: string): boolean => /\.test\.ts$|-contract\.ts$|^test\//.test(path);
const all = (): SourceFile[] =>
  sourceFiles(['bin', 'src', 'test', 'bench', 'demo', 'scripts', 'dashboard/src']);

interface Rule {
  readonly name: string;
  readonly pattern: RegExp;
  readonly within: (path: string) => boolean;
  readonly bad: string;
}

const inSource = (path: string): boolean => /^(?:src|dashboard\/src)\//.test(path) && !isTest(path);

const rules: readonly Rule[] = [
  {
    name: 'time and chance come from src/base',
    pattern: /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)/,
    within: (path) => path.startsWith('src/') && !isTest(path) && !path.startsWith('src/base/'),
    bad: 'const now = Date.now();',
  },
  {
    name: 'no type is given up',
    pattern: /:\s*any\b|\bas any\b|<any>|@ts-(?:ignore|nocheck|expect-error)|\bas unknown as\b/,
    within: (path) => path !== 'test/tidy.test.ts',
    bad: 'const x = y as any;',
  },
  {
    name: 'nothing is left unfinished',
    pattern: /\b(?:TODO|FIXME|XXX|HACK)\b|not implemented/i,
    within: (path) => path !== 'test/tidy.test.ts',
    bad: '// TODO: later',
  },
  {
    name: 'no error is swallowed',
    pattern: /catch\s*(?:\([^)]*\))?\s*\{\s*\}|\.catch\(\(\)\s*=>\s*(?:\{\s*\}|undefined)\)/,
    within: inSource,
    bad: 'try { f(); } catch {}',
  },
  {
    name: 'nothing is printed but by the command line and the server',
    pattern: /\bconsole\./,
    within: inSource,
    bad: "console.log('x');",
  },
];

for (const rule of rules) {
  test(rule.name, () => {
    assert.match(rule.bad, rule.pattern, 'the rule notices a planted fault');
    const found = all()
      .filter((file) => rule.within(file.path))
      .flatMap((file) =>
        file.text
          .split('\n')
          .map((line, index) => [`${file.path}:${index + 1}`, line] as const)
          .filter(([, line]) => rule.pattern.test(line))
          .map(([place]) => place),
      );
    assert.deepEqual(found, []);
  });
}

test('files are short', () => {
  const long = all().filter(
    (file) => file.text.split('\n').length > (isTest(file.path) ? testLinesMax : linesMax),
  );
  assert.deepEqual(
    long.map((file) => file.path),
    [],
  );
});

test('lines are short', () => {
  const long = all().flatMap((file) =>
    file.text
      .split('\n')
      .map((line, index) => (line.length > columnsMax ? `${file.path}:${index + 1}` : ''))
      .filter((place) => place !== ''),
  );
  assert.deepEqual(long, []);
});

/** Functions and methods whose opening line and closing brace stand at the same depth. */
export function longFunctions(text: string, path: string): string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const opening =
      /^(\s*)(?:export )?(?:static )?(?:async )?(?:function\*? ?\w|[#\w]+\(.*\).*\{$)/;
    const indent = opening.exec(line)?.[1];
    if (indent === undefined || /^\s*(?:if|for|while|switch|test|describe)\b/.test(line)) return [];
    const end = lines.findIndex((other, at) => at > index && other.startsWith(`${indent}}`));
    return end - index + 1 > functionLinesMax ? [`${path}:${index + 1}`] : [];
  });
}

test('functions are short', () => {
  const planted = `function long() {\n${'  x();\n'.repeat(functionLinesMax)}}\n`;
  assert.deepEqual(longFunctions(planted, 'planted.ts'), ['planted.ts:1']);
  const source = all().filter((file) => !isTest(file.path));
  assert.deepEqual(
    source.flatMap((file) => longFunctions(file.text, file.path)),
    [],
  );
});

test('no drawer is called utils', () => {
  const drawer =
    /(?:^|\/)(?:utils?|helpers?|common|misc|shared|services?|managers?|controllers?)(?:\.|\/)/;
  assert.deepEqual(
    all()
      .map((file) => file.path)
      .filter((path) => drawer.test(path)),
    [],
  );
});

test('every module of src and of the dashboard is used', () => {
  const imported = new Set(all().flatMap((file) => importsOf(file)));
  const threads = all().flatMap((file) =>
    [...file.text.matchAll(/new URL\('\.\/([^']+\.ts)'/g)].map((match) => match[1] ?? ''),
  );
  const entries = new Set(['dashboard/src/app/main.tsx', 'dashboard/src/portal/main.tsx']);
  const unused = sourceFiles(['src', 'dashboard/src'])
    .map((file) => file.path)
    .filter((path) => !path.endsWith('.test.ts') && !imported.has(path) && !entries.has(path))
    .filter((path) => !threads.some((name) => path.endsWith(`/${name}`)));
  assert.deepEqual(unused, []);
});

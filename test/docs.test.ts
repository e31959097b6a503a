import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { runCli } from '../src/cli/program.ts';
import { configurationPath, withOptions } from '../scripts/docs.ts';
import { isUntyped, typedOf } from './documents/chapter.ts';
import { guideChapters } from './documents/guide-chapters.ts';
import { languagesIn, missingFrom, typedIn } from './documents/console.ts';
import { operateChapters } from './documents/operate-chapters.ts';

const chapters = [...guideChapters, ...operateChapters];
const paths = ['README.md', ...globSync('docs/**/*.md')].sort();

test('the table of options is that of the code; "npm run docs" writes it', async () => {
  const document = await readFile(configurationPath, 'utf8');
  assert.equal(document, withOptions(document));
  assert.match(document, /`listen` \| `--listen HOST:PORT` \| `FIRN_LISTEN`/);
});

test('commands are found, with the lines that they go over and what they answer', () => {
  const markdown =
    '# Title\n\n1. Do:\n\n   ```console\n   $ one \\\n       --two\n   three …\n   ```\n';
  const [typed, ...others] = typedIn('it.md', markdown);
  assert.deepEqual(others, []);
  assert.deepEqual(typed, {
    path: 'it.md',
    line: 6,
    heading: 'Title',
    command: 'one \\\n    --two',
    promised: ['three …'],
  });
  assert.equal(missingFrom('x\nthree 4 5\n', ['three …']), undefined);
  assert.equal(missingFrom('three\nfour', ['four', 'three']), 'three');
});

test('every command of the documents is typed by a test, if any test can', async () => {
  const typed = new Set<string>();
  const all: string[] = [];
  for (const path of paths) {
    const markdown = await readFile(path, 'utf8');
    for (const chapter of chapters.filter((each) => each.path === path)) {
      for (const { line } of typedOf(chapter, markdown)) typed.add(`${path}:${line}`);
    }
    for (const { line, command } of typedIn(path, markdown)) {
      if (!isUntyped(command)) all.push(`${path}:${line}`);
    }
  }
  assert.ok(all.length > 80, `${all.length} commands were found`);
  assert.deepEqual(
    all.filter((place) => !typed.has(place)),
    [],
  );
});

test('no command hides in a block of another kind', async () => {
  for (const path of paths) {
    const markdown = await readFile(path, 'utf8');
    for (const { line, language } of languagesIn(markdown)) {
      const known = ['console', 'yaml', 'ini', 'json', 'python', 'mermaid', ''].includes(language);
      assert.ok(known, `${path}:${line}: a block of ${language}`);
    }
    const prompts = markdown.split('\n').filter((line) => /^ *\$ /.test(line)).length;
    assert.equal(typedIn(path, markdown).length, prompts, path);
  }
});

/** `firn …` within sentences and tables. */
async function mentioned(): Promise<{ path: string; words: string[] }[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const spans = (await readFile(path, 'utf8')).matchAll(/`firn ([a-z][^`]*)`/g);
      return [...spans].map(([, text = '']) => ({ path, words: text.split(/\s+/) }));
    }),
  );
  return found.flat();
}

test('every command that is mentioned is one that there is, with its options', async () => {
  const all = await mentioned();
  assert.ok(all.length > 30, `${all.length} commands were found`);
  for (const { path, words } of all) {
    const at = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
    const verbs = at < 0 ? words : words.slice(0, at);
    let help = '';
    const code = await runCli([...verbs, '--help'], {
      environment: {},
      stdout: { write: (text) => (help += String(text)) },
      stderr: { write: () => undefined },
      serve: async () => undefined,
    });
    const command = words.join(' ');
    assert.equal(code, 0, `${path}: firn ${command}`);
    for (const option of words.flatMap((word) => /^--[a-z-]+/.exec(word) ?? [])) {
      const isKnown = help.includes(option) || option === '--data' || option === '--json';
      assert.ok(isKnown, `${path}: firn ${command}: ${option}`);
    }
  }
});

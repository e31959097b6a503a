import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { runCli } from '../src/cli/program.ts';
import { configurationPath, withOptions } from '../scripts/docs.ts';

test('the table of options is that of the code; "npm run docs" writes it', async () => {
  const document = await readFile(configurationPath, 'utf8');
  assert.equal(document, withOptions(document));
  assert.match(document, /`listen` \| `--listen HOST:PORT` \| `FIRN_LISTEN`/);
});

/** The lines that a reader types, of every document. */
async function typedLines(): Promise<{ path: string; line: string }[]> {
  const folders = ['docs/guide', 'docs/operate'];
  const files = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => `${folder}/${name}`)),
  );
  const paths = ['README.md', ...files.flat().filter((path) => path.endsWith('.md'))];
  const found = await Promise.all(
    paths.map(async (path) => {
      const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim());
      return lines.filter((line) => line.startsWith('$ ')).map((line) => ({ path, line }));
    }),
  );
  return found.flat();
}

test('every command of Firn in the documents is one that there is, with its options', async () => {
  const lines = await typedLines();
  const own = lines.filter(({ line }) => /^\$ (?:npm run --silent firn -- |firn )/.test(line));
  assert.ok(own.length > 20, `${own.length} commands were found`);
  for (const { path, line } of own) {
    const words = line.replace(/^\$ (?:npm run --silent firn -- |firn )/, '').split(/\s+/);
    const at = words.findIndex((word) => word.startsWith('-'));
    const verbs = words.slice(0, 2).filter((_word, index) => at < 0 || index < at);
    const options = words.flatMap((word) => /^--[a-z-]+/.exec(word) ?? []);
    let help = '';
    const code = await runCli([...verbs, '--help'], {
      environment: {},
      stdout: { write: (text) => (help += String(text)) },
      stderr: { write: () => undefined },
      serve: async () => undefined,
    });
    assert.equal(code, 0, `${path}: ${line}`);
    for (const option of options) {
      const isKnown = help.includes(option) || option === '--data' || option === '--json';
      assert.ok(isKnown, `${path}: ${line}: ${option}`);
    }
  }
});

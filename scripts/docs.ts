/** Writes what the documents take from the code: the table of options. */
import { readFile, writeFile } from 'node:fs/promises';
import { flagOf, optionList, variableOf } from '../src/server/config-options.ts';

export const configurationPath = 'docs/operate/configuration.md';

const begin = '<!-- options: written by `npm run docs` -->';
const end = '<!-- end of options -->';

/** The document with the table of options as they are now. */
export function withOptions(document: string): string {
  const [before, rest] = document.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error('the marks are missing');
  return `${before}${begin}\n${table()}${end}${after}`;
}

function table(): string {
  const rows = optionList.map((entry) => {
    const { key, value, about, initial, otherwise } = entry;
    const flag = `${flagOf(entry) ?? ''} ${entry.kind === 'switch' ? '' : value}`.trim();
    const preset = initial ?? otherwise;
    const cells = [code(key), code(flag), code(variableOf(entry)), code(preset), about];
    return `| ${cells.join(' | ')} |\n`;
  });
  const heading = '| in the file | flag | environment | default | |\n|---|---|---|---|---|\n';
  return `${heading}${rows.join('')}`;
}

function code(text: string | undefined): string {
  return text === undefined || text === '' ? '' : `\`${text}\``;
}

if (import.meta.main) {
  await writeFile(configurationPath, withOptions(await readFile(configurationPath, 'utf8')));
}

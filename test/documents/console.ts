/** What a document tells its reader to type, and to write. */

export interface Typed {
  readonly path: string;
  /** The line of the document, from 1. */
  readonly line: number;
  /** The heading that it stands under; the document's title at its beginning. */
  readonly heading: string;
  /** As it is typed; one that goes over several lines has its line breaks. */
  readonly command: string;
  /** Lines that the document shows as the answer; `…` stands for anything. */
  readonly promised: readonly string[];
}

interface Block {
  readonly line: number;
  readonly heading: string;
  readonly language: string;
  readonly lines: readonly string[];
}

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: { line: number; indent: number; language: string; lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^( *)```(\w*)/.exec(line);
    if (open !== undefined) {
      if (fence === null) open.lines.push(line.slice(open.indent));
      else {
        blocks.push({ ...open, heading });
        open = undefined;
      }
    } else if (fence !== null) {
      const [, indent = '', language = ''] = fence;
      open = { line: index + 2, indent: indent.length, language, lines: [] };
    } else if (/^#+ /.test(line)) heading = line.replace(/^#+ /, '');
  }
  return blocks;
}

/** The commands of a document's `console` blocks, in their order. */
export function typedIn(path: string, markdown: string): Typed[] {
  return blocksOf(markdown)
    .filter(({ language }) => language === 'console')
    .flatMap((block) => typedOf(path, block));
}

function typedOf(path: string, { line, heading, lines }: Block): Typed[] {
  const found: { line: number; command: string; promised: string[]; goesOn: boolean }[] = [];
  for (const [index, text] of lines.entries()) {
    const last = found.at(-1);
    if (last?.goesOn === true) {
      last.command += `\n${text}`;
      last.goesOn = text.endsWith('\\');
    } else if (text.startsWith('$ ')) {
      const command = text.slice(2);
      found.push({ line: line + index, command, promised: [], goesOn: text.endsWith('\\') });
    } else if (text.trim() !== '') last?.promised.push(text);
  }
  return found.map(({ goesOn: _goesOn, ...typed }) => ({ path, heading, ...typed }));
}

/** The files of YAML that a document shows whole: their first line is a comment with the path. */
export function filesIn(markdown: string): { path: string; text: string }[] {
  const blocks = blocksOf(markdown).filter(({ language }) => language === 'yaml');
  return blocks.flatMap(({ lines }) => {
    const path = /^# ((?:\/|\w+\.)\S*)$/.exec(lines[0] ?? '')?.[1];
    return path === undefined ? [] : [{ path, text: `${lines.join('\n')}\n` }];
  });
}

/** The languages of a document's blocks, to see that no command hides in another one. */
export function languagesIn(markdown: string): { line: number; language: string }[] {
  return blocksOf(markdown).map(({ line, language }) => ({ line, language }));
}

/** The first promised line that `said` does not have after those before it; undefined: none. */
export function missingFrom(said: string, promised: readonly string[]): string | undefined {
  let rest = said;
  for (const line of promised) {
    const match = patternOf(line).exec(rest);
    if (match === null) return line;
    rest = rest.slice(match.index + match[0].length);
  }
  return undefined;
}

function patternOf(line: string): RegExp {
  const parts = line.trim().split('…');
  const escaped = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(escaped.join('.*').replaceAll(/\s+/g, String.raw`\s+`));
}

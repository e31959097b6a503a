/** The configuration file: YAML, read into what was given for each option and where it stands. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { fromSystemError, isOperatingError, OperatingError } from '../base/errors.ts';
import type { JsonValue } from '../base/json.ts';
import { type OptionEntry, optionList, type OptionName } from './config-options.ts';
import { readSettings } from './config-settings.ts';

/** What was given for an option, and where, in words. */
export interface Given {
  readonly value: JsonValue;
  /** `firn.yaml line 7: nbd.listen`, or a flag, or a variable. */
  readonly label: string;
}

export type GivenOptions = ReadonlyMap<OptionName, Given>;

/** A file larger than this is none of ours. */
const fileBytesMax = 1024 * 1024;

/**
 * Reads the file. Rejects with one `invalid_input` that names every mistake, with its line and what
 * to do about it, a line each.
 */
export async function readConfigFile(path: string): Promise<GivenOptions> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fromSystemError(error, `the configuration file ${path} cannot be read`);
  });
  if (text.length > fileBytesMax) {
    throw new OperatingError('invalid_input', `${path} is too long for a configuration file`);
  }
  return new FileReader(path, text).read();
}

class FileReader {
  readonly #path: string;
  readonly #lines = new LineCounter();
  readonly #text: string;
  readonly #given = new Map<OptionName, Given>();
  readonly #mistakes: string[] = [];

  constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  read(): GivenOptions {
    const options = { lineCounter: this.#lines, prettyErrors: false } as const;
    const document = parseDocument(this.#text, options);
    for (const error of document.errors) {
      this.#mistakes.push(`${this.#at(error.pos[0])}: ${error.message}`);
    }
    const { contents } = document;
    if (isMap(contents)) this.#readMap(contents, '');
    else if (contents !== null && document.toJS() !== null && this.#mistakes.length === 0) {
      this.#mistake(contents, 'write it as KEY: VALUE, such as "listen: 127.0.0.1:8776"');
    }
    if (this.#mistakes.length === 0) return this.#given;
    // In a file that is no YAML nothing else is sure.
    const wrong = document.errors.length === 0 ? this.#wrongValues() : [];
    const lines = [...this.#mistakes, ...wrong].sort((one, other) => lineOf(one) - lineOf(other));
    throw new OperatingError('invalid_input', lines.join('\n'), { field: 'configuration' });
  }

  /** What is wrong with the values that could be read, so that all mistakes are told at once. */
  #wrongValues(): string[] {
    try {
      readSettings(this.#given);
      return [];
    } catch (error) {
      if (isOperatingError(error, 'invalid_input')) return error.message.split('\n');
      throw error;
    }
  }

  #readMap(map: YAMLMap, prefix: string): void {
    for (const pair of map.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '';
      const path = `${prefix}${key}`;
      const node = (pair.value ?? pair.key) as Node;
      const entry = optionList.find((each) => each.key === path);
      if (entry !== undefined) this.#readEntry(entry, entry.name, node);
      else if (!optionList.some((each) => each.key.startsWith(`${path}.`))) {
        this.#mistake(pair.key as Node, `${path} is no option; ${advice(path)}`);
      } else if (isMap(node)) this.#readMap(node, `${path}.`);
      else {
        const inner = optionList.filter((each) => each.key.startsWith(`${path}.`));
        const names = inner.map((each) => each.key.slice(path.length + 1)).join(', ');
        this.#mistake(node, `${path} is a section; write its options below it, indented: ${names}`);
      }
    }
  }

  #readEntry(entry: OptionEntry, name: OptionName, node: Node): void {
    const label = `${this.#place(node)}: ${entry.key}`;
    if (entry.kind === 'structure') {
      const value = (node as { toJSON(): JsonValue }).toJSON();
      this.#given.set(name, { value, label });
      return;
    }
    const texts = isSeq(node) && entry.kind === 'list' ? node.items : [node];
    const values: string[] = [];
    for (const each of texts) {
      const value: unknown = isScalar(each) ? each.value : undefined;
      if (typeof value === 'string') values.push(value);
      else if (typeof value === 'number' || typeof value === 'boolean') values.push(String(value));
      else {
        this.#mistake(node, `${entry.key} has no value; write "${lastOf(entry)}: ${entry.value}"`);
        return;
      }
    }
    const absolute =
      entry.kind === 'path' ? values.map((value) => this.#fromFolder(value)) : values;
    this.#given.set(name, {
      value: entry.kind === 'list' ? absolute : (absolute[0] ?? ''),
      label,
    });
  }

  #fromFolder(path: string): string {
    return path === '' || path.startsWith('~') ? path : resolve(dirname(this.#path), path);
  }

  #mistake(node: Node, text: string): void {
    this.#mistakes.push(`${this.#place(node)}: ${text}`);
  }

  #place(node: Node): string {
    return this.#at(node.range?.[0] ?? 0);
  }

  #at(offset: number): string {
    return `${basename(this.#path)} line ${Math.max(1, this.#lines.linePos(offset).line)}`;
  }
}

function lineOf(mistake: string): number {
  return Number(/ line (\d+):/.exec(mistake)?.[1] ?? 0);
}

function lastOf(entry: OptionEntry): string {
  return entry.key.split('.').at(-1) ?? entry.key;
}

/** The option that somebody may have meant, or where all of them are. */
function advice(path: string): string {
  const known = new Set(
    optionList.flatMap(({ key }) => {
      const parts = key.split('.');
      return parts.map((_part, index) => parts.slice(0, index + 1).join('.'));
    }),
  );
  const [nearest] = [...known]
    .map((key) => ({ key, distance: distanceOf(path, key) }))
    .sort((one, other) => one.distance - other.distance);
  if (nearest !== undefined && nearest.distance <= Math.max(2, path.length / 4)) {
    return `did you mean ${nearest.key}?`;
  }
  return 'remove it, or see "firn config options" for those that are';
}

/** Levenshtein's distance: how many letters have to be changed, added or left out. */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_none, index) => index);
  for (const [index, letter] of one.split('').entries()) {
    const next = [index + 1];
    for (const [at, wanted] of other.split('').entries()) {
      const swap = (row[at] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(swap, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

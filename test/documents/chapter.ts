/** Reads a document, or a part of it, as a reader does who types all that it says. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '../peer.ts';
import { root } from '../source-files.ts';
import { filesIn, missingFrom, type Typed, typedIn } from './console.ts';
import { Place } from './place.ts';

export interface Chapter {
  readonly path: string;
  /** The headings that it is made of; undefined: the whole document. */
  readonly headings?: readonly string[];
  /** What the document takes for granted, typed before it. */
  readonly before?: readonly string[];
  /** What stands for the names that the document leaves to its reader; text or a variable. */
  readonly names?: Readonly<Record<string, string>>;
  /** Files beside those that the document shows. */
  readonly files?: Readonly<Record<string, string>>;
  /** What has to be true afterwards, as commands. */
  readonly after?: readonly string[];
  /** Programs that it needs. */
  readonly peers?: readonly string[];
  /** A file that shows that a program is there which is no command. */
  readonly file?: string;
  /** A server that it needs; returned are more `names`, and what ends it. */
  readonly beside?: () => Promise<{ names: Record<string, string>; stop: () => Promise<void> }>;
}

/** Commands that no test can run, with the reason. */
export const untyped: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /^npm (?:test|run (?:soak|bench\S*|demo))\b/, why: 'it is the tests, or runs long' },
  { pattern: /^(?:npm run check|node scripts\/run\.mjs)\b/, why: 'it is a part of the tests' },
  { pattern: /^(?:useradd|systemctl) /, why: 'it needs root, and changes the machine' },
  { pattern: /^nbd-client /, why: 'it needs root and a module of the kernel' },
  { pattern: /^qemu-system-x86_64 /, why: 'a whole machine: test/interop/guest.peer.test.ts' },
];

export const isUntyped = (command: string): boolean =>
  untyped.some(({ pattern }) => pattern.test(command));

/** The commands of a chapter. */
export function typedOf(chapter: Chapter, markdown: string): Typed[] {
  return typedIn(chapter.path, markdown).filter(
    ({ heading }) => chapter.headings?.includes(heading) ?? true,
  );
}

export function testChapters(chapters: readonly Chapter[]): void {
  for (const chapter of chapters) {
    const { path, headings, peers = ['openstack'] } = chapter;
    const name = headings === undefined ? path : `${path}: ${headings.join(', ')}`;
    const absent = chapter.file !== undefined && !existsSync(chapter.file);
    const skip = absent && process.env['CI'] !== 'true' ? { skip: `no ${chapter.file}` } : {};
    test(`${name}: typed word for word`, { ...needs(...peers), ...skip }, async () => {
      const place = await Place.open();
      const beside = await chapter.beside?.();
      try {
        await read(chapter, place, beside?.names ?? {});
      } finally {
        await place.close();
        await beside?.stop();
      }
    });
  }
}

async function read(chapter: Chapter, place: Place, more: Record<string, string>): Promise<void> {
  const markdown = await readFile(join(root, chapter.path), 'utf8');
  const names = { ...chapter.names, ...more };
  for (const file of filesIn(markdown)) await place.write(file.path, file.text);
  for (const [path, text] of Object.entries(chapter.files ?? {})) await place.write(path, text);
  for (const command of chapter.before ?? [])
    await typeWell(place, withNames(command, more), command);
  const typed = typedOf(chapter, markdown);
  assert.ok(typed.length > 0, 'the document has commands');
  for (const each of typed) {
    if (isUntyped(each.command)) continue;
    const where = `${each.path}:${each.line}: ${each.command}`;
    const said = await typeWell(place, typing(withNames(each.command, names)), where);
    if (each.command.endsWith('-c status')) assert.match(said, /available/, where);
    const missing = missingFrom(
      said,
      each.promised.map((line) => place.here(line)),
    );
    assert.equal(missing, undefined, `${where}\nsaid:\n${said}`);
  }
  for (const command of chapter.after ?? [])
    await typeWell(place, withNames(command, more), command);
}

function withNames(command: string, names: Readonly<Record<string, string>>): string {
  return Object.entries(names).reduce(
    (text, [name, value]) => text.replaceAll(name, value),
    command,
  );
}

async function typeWell(place: Place, command: string, where: string): Promise<string> {
  const { code, said } = await place.type(command);
  assert.equal(code, 0, `${where}\nsaid:\n${said}\nthe server:\n${place.serverSaid()}`);
  return said;
}

/**
 * Two commands are typed with what the documents say of them: release 6.0 of the client fails when
 * it prints the answer to a restore that has begun, and a status is looked at until it has settled,
 * which the place sees to.
 */
function typing(command: string): string {
  if (!command.startsWith('openstack volume backup restore')) return command;
  return `said=$(${command} 2>&1) || grep -q 'VolumeBackupsRestore object' <<<"$said"`;
}

/** The dashboard of a real Firn in Debian's Chromium, for tests. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { buildDashboard } from '../../scripts/build-dashboard.ts';
import { must } from '../../src/base/assert.ts';
import { type Ending, type Scene, startScene } from '../firn.ts';
import { until } from '../interop/until.ts';
import { root } from '../source-files.ts';

/** How long anything may take to show before a test says that it does not come. */
const patienceMs = 180_000;

export interface Dashboard {
  readonly scene: Scene;
  readonly browser: Browser;
  readonly url: string;
  readonly password: string;
  /** A page of a browser of its own, logged in, at this path. */
  readonly open: (path: string, options?: BrowserContextOptions) => Promise<Page>;
  /** The same, without logging in. */
  readonly visit: (path: string, options?: BrowserContextOptions) => Promise<Page>;
}

/** Starts Firn and a browser; both end with the test or suite. */
export async function openDashboard(t: Ending, args: readonly string[] = []): Promise<Dashboard> {
  await buildDashboard();
  const scene = await startScene(t, args);
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-dev-shm-usage'],
  });
  const problems: string[] = [];
  t.after(async () => {
    await browser.close();
    assert.deepEqual(problems, [], 'no page has failed or broken its policy');
  });
  const yaml = readFileSync(join(scene.dataFolder, 'clouds.yaml'), 'utf8');
  const password = must(/password: "?([^"\s]+)/.exec(yaml)?.[1], 'a password');
  const url = must(/auth_url: "?(http:\/\/[^/"\s]+)/.exec(yaml)?.[1], 'an address');
  const visit = async (path: string, options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext({
      viewport: { width: 1360, height: 860 },
      // What fades has no contrast for a moment, which is no fault of its colours.
      reducedMotion: 'reduce',
      ...options,
    });
    context.setDefaultTimeout(patienceMs);
    await context.addInitScript(keepingNotes);
    const page = await context.newPage();
    watch(page, problems);
    await page.goto(url + path);
    return page;
  };
  const open: typeof visit = async (path, options) => {
    const page = await visit(`/login?next=${encodeURIComponent(path)}`, options);
    await logIn(page, password);
    return page;
  };
  return { scene, browser, url, password, open, visit };
}

/** Keeps what the short notes say in `window.notes`, as they fade within seconds. */
const keepingNotes = `{
  window.notes = [];
  const noteOf = (node) =>
    node.matches?.('[role=alert]') ? node : node.querySelector?.('[role=alert]');
  new MutationObserver((changes) => {
    const added = changes.flatMap(({ addedNodes }) => [...addedNodes]);
    window.notes.push(...added.flatMap((node) => noteOf(node)?.textContent ?? []));
  }).observe(document, { subtree: true, childList: true });
}`;

/** Waits until a short note has said this, which may have faded since. */
export async function noted(page: Page, words: string): Promise<void> {
  const look = `window.notes.some((text) => text.includes(${JSON.stringify(words)}))`;
  await until(`a note: ${words}`, () => page.evaluate<boolean>(look));
}

export async function logIn(page: Page, password: string, name = 'admin'): Promise<void> {
  await page.getByLabel('User Name').fill(name);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign In' }).click();
  await page.locator('main#main h1').waitFor();
}

/** Errors of scripts, and whatever the Content-Security-Policy has refused. */
function watch(page: Page, problems: string[]): void {
  page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    const isOwn = /Content Security Policy|Refused to|Warning:|Minified React error/i.test(text);
    if (isOwn) problems.push(`${page.url()}: ${text}`);
  });
}

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** What hinders people seriously on a page, by axe's rules; empty when nothing does. */
export async function hindrances(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const rules = JSON.stringify(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']);
  const { violations }: AxeResult = await page.evaluate(`axe.run({ runOnly: ${rules} })`);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
}

/** Follows an entry of the side bar. */
export async function go(page: Page, entry: string): Promise<void> {
  const navigation = page.getByRole('navigation', { name: 'Main' });
  await navigation.getByRole('link', { name: entry, exact: true }).click();
}

/** The row of a table that names this. */
export function rowOf(page: Page, name: string): ReturnType<Page['locator']> {
  return page.locator('table.resources tbody tr').filter({ hasText: name }).first();
}

/** Chooses an action of a row: its button, or an entry of its menu. */
export async function act(page: Page, name: string, action: string): Promise<void> {
  const row = rowOf(page, name);
  await row.getByRole('button').last().waitFor();
  const button = row.getByRole('button', { name: action, exact: true });
  if (await button.isVisible()) return await button.click();
  await row.getByRole('button', { name: `More actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: action, exact: true }).click();
}

/** Fills the fields of the open form, by their labels. */
export async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, text] of Object.entries(fields)) {
    const field = page.getByRole('dialog').getByLabel(label, { exact: false }).first();
    const isChoice = (await field.evaluate((element) => element.tagName)) === 'SELECT';
    if (isChoice) await field.selectOption({ label: text });
    else await field.fill(text);
  }
}

/** Presses the button that sends the open form. */
export async function submit(page: Page, label: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: label, exact: true }).click();
}

/** The same, and waits until the form has gone. */
export async function complete(page: Page, label: string): Promise<void> {
  await submit(page, label);
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** Sends the form, and sees it refused in these words. */
export async function refused(page: Page, label: string, words: string): Promise<void> {
  await submit(page, label);
  await page.getByRole('dialog').getByText(words, { exact: false }).first().waitFor();
}

/** Waits until a row shows a text. */
export async function rowShows(page: Page, name: string, text: string): Promise<void> {
  await rowOf(page, name).getByText(text, { exact: true }).first().waitFor();
}

/** Keeps a picture of the page for the guide, when FIRN_SCREENSHOTS names a folder. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['FIRN_SCREENSHOTS'];
  if (folder === undefined) return;
  await mkdir(join(root, folder), { recursive: true });
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(root, folder, `${name}.png`) });
}

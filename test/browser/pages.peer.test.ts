/** Every page, in light and dark and on a phone; what others change, and a server that goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { backupReady, snapshotReady, volumeReady } from '../firn.ts';
import { needs } from '../peer.ts';
import { hindrances, openDashboard, picture, rowOf, rowShows } from './dashboard.ts';

/** Paths with the names of their pictures; `ID` stands for the thing that is shown. */
const paths: Readonly<Record<string, string>> = {
  '/': 'overview',
  '/project/volumes': 'volumes',
  '/project/volumes/VOLUME': 'volume',
  '/project/volumes/VOLUME?tab=snapshots': 'volume-snapshots',
  '/project/volumes/VOLUME?tab=connect': 'volume-connect',
  '/project/snapshots': 'snapshots',
  '/project/snapshots/SNAPSHOT': 'snapshot',
  '/project/backups': 'backups',
  '/project/backups/BACKUP': 'backup',
  '/project/volume_groups': 'groups',
  '/project/vg_snapshots': 'group-snapshots',
  '/project/plans': 'plans',
  '/project/plans/PLAN': 'plan',
  '/project/holds': 'holds',
  '/project/images': 'images',
  '/project/messages': 'messages',
  '/project/quotas': 'quotas',
  '/project/audit': 'audit',
  '/project/api_access': 'api-access',
  '/admin/volume_types': 'volume-types',
  '/admin/services': 'system-information',
  '/identity/projects': 'projects',
  '/identity/users': 'users',
};

/** Goes to a page as a link does, without loading everything anew. */
async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate(`{
    const link = document.createElement('a');
    link.href = ${JSON.stringify(path)};
    document.body.append(link);
    link.click();
    link.remove();
  }`);
  await page.waitForURL((url) => url.pathname + url.search === path);
  await page.locator('main#main h1').waitFor();
}

/** From right to left, beyond the letters of the font, and with what would be a tag of HTML. */
const foreign = 'قرص البيانات ⛁ <b>1</b>';

test('the pages', needs('chromium'), async (t) => {
  const dashboard = await openDashboard(t);
  const { scene, open } = dashboard;
  const { client } = scene;
  const long = `archive-of-${'a-very-long-name-'.repeat(6)}end`;
  const volume = await client.volumes.create({ size: 1, name: 'disk', description: long });
  await volumeReady(client, volume);
  for (const name of [long, foreign]) await client.volumes.create({ size: 1, name });
  const snapshot = await client.snapshots.create({ volume_id: volume, name: 'monday' });
  await snapshotReady(client, snapshot);
  const backup = await client.backups.create({
    volume_id: volume,
    snapshot_id: snapshot,
    name: 'monday-copy',
  });
  await backupReady(client, backup);
  const plan = await client.plans.create({
    name: 'nightly',
    schedule: 'daily',
    selection: { volumes: [volume] },
    retention: { daily: 7, weekly: 4 },
  });
  await client.plans.hold('backup', backup, 'for the audit');
  const filled = Object.entries(paths).map(([path, name]) => {
    const ids = { VOLUME: volume, SNAPSHOT: snapshot, BACKUP: backup, PLAN: plan.id };
    return [
      path.replace(/VOLUME|SNAPSHOT|BACKUP|PLAN/, (word) => ids[word as 'VOLUME']),
      name,
    ] as const;
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    await t.test(`hinder nobody, in ${colorScheme}`, async () => {
      const page = await open('/', { colorScheme });
      const found: Record<string, string[]> = {};
      for (const [path, name] of filled) {
        await goTo(page, path);
        await page.locator('main#main').getByText('Loading').waitFor({ state: 'detached' });
        const hindering = await hindrances(page);
        if (hindering.length > 0) found[path] = hindering;
        await picture(page, `${name}-${colorScheme}`);
      }
      assert.deepEqual(found, {});
      await page.context().close();
    });
  }

  await t.test('fit on a phone', async () => {
    const page = await open('/', { viewport: { width: 360, height: 740 } });
    const wide: string[] = [];
    for (const [path, name] of filled) {
      await goTo(page, path);
      const isWide: boolean = await page.evaluate(
        'document.scrollingElement.scrollWidth > innerWidth + 1',
      );
      if (isWide) wide.push(path);
      await picture(page, `${name}-phone`);
    }
    assert.deepEqual(wide, []);
    await goTo(page, '/project/volumes');
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('link', { name: 'Snapshots', exact: true }).click();
    await page.getByRole('heading', { name: 'Volume Snapshots' }).waitFor();
    await page.context().close();
  });

  await t.test('need less than 300 kB to begin with, and nothing from elsewhere', async () => {
    const page = await dashboard.visit('/login');
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    const loaded: { name: string; size: number }[] = await page.evaluate(
      `performance.getEntriesByType('resource')
        .map(({ name, transferSize: size }) => ({ name, size }))`,
    );
    assert.deepEqual(
      loaded.filter(({ name }) => !name.startsWith(dashboard.url)),
      [],
    );
    const bytes = loaded.reduce((sum, { size }) => sum + size, 0);
    assert.ok(bytes > 0 && bytes < 300_000, `${bytes} bytes`);
    await page.context().close();
  });

  await t.test('show what another browser changes, without a reload', async () => {
    const one = await open('/project/volumes');
    const other = await open('/project/volumes');
    await one.getByRole('button', { name: 'Create Volume', exact: true }).first().click();
    await one.getByRole('dialog').getByLabel('Volume Name').fill('from-one');
    await one.getByRole('dialog').getByRole('button', { name: 'Create Volume' }).click();
    await rowShows(other, 'from-one', 'Available');
    await rowShows(one, 'from-one', 'Available');
    for (const page of [one, other]) await page.context().close();
  });

  await t.test('are worked with keys alone, and their address shows others the same', async () => {
    const page = await open('/project/volumes?sort=name:asc');
    await rowOf(page, 'disk').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('disk');
    await page.waitForURL(/q=disk/);
    await rowOf(page, 'from-one').waitFor({ state: 'detached' });
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await page.locator('table.resources tbody input:checked').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'disk', level: 1 }).waitFor();
    await page.goBack();
    await page.waitForURL(/q=disk/);
    assert.equal(await page.getByLabel('Filter by name').inputValue(), 'disk');
    const more = rowOf(page, 'disk').getByRole('button', { name: 'More actions for disk' });
    await more.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Update Metadata' }).press('Enter');
    await page.getByRole('dialog', { name: 'Update Metadata' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.locator('button[aria-label="More actions for disk"]:focus').waitFor();
    await page.context().close();
  });

  await t.test('show names as they are, in whatever script', async () => {
    const page = await open('/project/volumes');
    await page.getByRole('link', { name: foreign, exact: true }).click();
    await page.getByRole('heading', { name: foreign, level: 1, exact: true }).waitFor();
    assert.match(await page.title(), new RegExp(foreign));
    await page.context().close();
  });

  await t.test('say that the server is gone, and go on when it is back', async () => {
    const page = await open('/project/volumes');
    const { host } = new URL(dashboard.url);
    await scene.firn.kill();
    await page.getByText('Firn does not answer.', { exact: false }).waitFor();
    await picture(page, 'server-gone');
    await scene.restart(['--listen', host]);
    await scene.client.volumes.create({ size: 1, name: 'after-the-return' });
    await rowShows(page, 'after-the-return', 'Available');
    await page.getByText('Firn does not answer.', { exact: false }).waitFor({ state: 'detached' });
    await page.context().close();
  });
});

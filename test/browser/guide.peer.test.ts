/** The guide, word for word, and what a newcomer does wrong on the way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { volumeReady } from '../firn.ts';
import { needs } from '../peer.ts';
import {
  act,
  complete,
  fill,
  hindrances,
  logIn,
  noted,
  openDashboard,
  picture,
  rowOf,
  rowShows,
  submit,
} from './dashboard.ts';
import { fillVolume } from './data.ts';

test('the guide', needs('chromium'), async (t) => {
  // Slow enough for the progress to be seen to move.
  const dashboard = await openDashboard(t, ['--store-upload-limit', '4']);
  await fillVolume(dashboard.scene, { name: 'my-volume', randomMiB: 64 });

  await t.test('a snapshot becomes a backup, in the words of the guide', async () => {
    const { visit, password, scene } = dashboard;
    const page = await visit('/project/volumes');
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await page.getByLabel('User Name').fill('admin');
    await page.getByRole('textbox', { name: 'Password' }).fill('wrong');
    await page.getByRole('button', { name: 'Sign In' }).click();
    await page.getByText('Invalid credentials.').waitFor();
    await picture(page, 'log-in');
    assert.deepEqual(await hindrances(page), []);
    await logIn(page, password);
    await page.waitForURL(({ pathname }) => pathname === '/project/volumes');

    await act(page, 'my-volume', 'Create Snapshot');
    await fill(page, { 'Snapshot Name': 'my-snapshot' });
    await complete(page, 'Create Volume Snapshot');
    await rowShows(page, 'my-snapshot', 'Available');

    const navigation = page.getByRole('navigation', { name: 'Main' });
    await navigation.getByRole('link', { name: 'Snapshots', exact: true }).click();
    await page.getByRole('heading', { name: 'Volume Snapshots', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'More actions for my-snapshot' }).click();
    await picture(page, 'snapshot-menu');
    await page.getByRole('menuitem', { name: 'Create Backup' }).click();
    const dialog = page.getByRole('dialog', { name: 'Create Volume Backup' });
    const chosen = dialog.getByLabel('Backup Snapshot');
    assert.match(await chosen.locator('option:checked').innerText(), /^my-snapshot/);
    await submit(page, 'Create Volume Backup');
    await dialog.getByText('This field is required.').waitFor();
    await fill(page, { 'Backup Name': 'my-backup', 'Container Name': 'a/b' });
    await submit(page, 'Create Volume Backup');
    await dialog.getByText('Container names cannot contain slashes.').waitFor();
    await fill(page, { 'Container Name': '', Description: 'Before the upgrade' });
    await picture(page, 'create-backup');
    assert.deepEqual(await hindrances(page), []);

    const seen = new Set<string>();
    await page.exposeFunction('saw', (text: string) => void seen.add(text));
    await page.evaluate(`new MutationObserver(() => {
      for (const bar of document.querySelectorAll('[aria-label^="Progress: "]'))
        saw(bar.getAttribute('aria-label'));
      for (const row of document.querySelectorAll('table.resources tbody tr'))
        if (row.textContent.includes('my-backup')) saw(row.textContent);
    }).observe(document.body, { subtree: true, childList: true, attributes: true })`);
    await complete(page, 'Create Volume Backup');
    await page.waitForURL(({ pathname }) => pathname === '/project/backups');
    await noted(page, 'Creating volume backup "my-backup"');
    await rowShows(page, 'my-backup', 'Creating');
    await picture(page, 'backup-creating');
    await rowShows(page, 'my-backup', 'Available');
    await rowOf(page, 'my-backup')
      .getByText(/read, .* stored/)
      .waitFor();
    await picture(page, 'backup-available');
    const texts = [...seen];
    const percents = texts.flatMap((text) => /^Progress: (\d+) %/.exec(text)?.[1] ?? []);
    assert.ok(percents.length >= 2, `the progress was seen to move: ${percents.join()}`);
    assert.ok(texts.some((text) => /Creating/.test(text) && /MiB/.test(text)));
    const [backup] = await Array.fromAsync(scene.client.backups.list());
    assert.deepEqual(
      [backup?.name, backup?.description, backup?.container, backup?.status],
      ['my-backup', 'Before the upgrade', 'volumebackups', 'available'],
    );
    await page.context().close();
  });

  await t.test(
    'a backup is restored: over its own volume by default, or as a new one',
    async () => {
      const { open, scene } = dashboard;
      const page = await open('/project/backups');
      await act(page, 'my-backup', 'Restore Backup');
      const dialog = page.getByRole('dialog', { name: 'Restore Volume Backup' });
      await dialog.getByText('All data of “my-volume” is overwritten').waitFor();
      const target = dialog.getByLabel('Select Volume');
      assert.match(await target.locator('option:checked').innerText(), /^my-volume/);
      await picture(page, 'restore-backup');
      await target.selectOption({ label: 'Create a New Volume' });
      await complete(page, 'Restore Backup to Volume');
      await page.waitForURL(({ pathname }) => pathname === '/project/volumes');
      await noted(page, 'Request for restoring backup my-backup to volume with id:');
      const restored = (await Array.fromAsync(scene.client.volumes.list())).find(
        ({ name }) => name !== 'my-volume',
      );
      await volumeReady(scene.client, restored?.id ?? '');
      await page.context().close();
    },
  );

  await t.test('the session ends: the login comes back to where one was', async () => {
    const { open, password, scene } = dashboard;
    const page = await open('/project/backups?sort=name:asc');
    await rowOf(page, 'my-backup').waitFor();
    await page.context().clearCookies();
    // What changes is looked at again, and that finds no session any more.
    await scene.client.volumes.create({ size: 1, name: 'another' });
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await logIn(page, password);
    await page.waitForURL(/\/project\/backups\?sort=name(?::|%3A)asc/);
    await page.getByRole('button', { name: 'User admin' }).click();
    await page.getByRole('menuitem', { name: 'Sign Out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    assert.deepEqual(await page.evaluate('Object.keys(localStorage)'), []);
    await page.context().close();
  });
});

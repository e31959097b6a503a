/** Plans and holds: what would be kept and deleted is seen before it is saved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backupReady, volumeReady } from '../firn.ts';
import { needs } from '../peer.ts';
import {
  act,
  complete,
  fill,
  go,
  hindrances,
  noted,
  openDashboard,
  picture,
  refused,
  rowOf,
  rowShows,
} from './dashboard.ts';

test('plans and holds', needs('chromium'), async (t) => {
  const dashboard = await openDashboard(t);
  const { client } = dashboard.scene;
  await volumeReady(client, await client.volumes.create({ size: 1, name: 'disk' }));
  const page = await dashboard.open('/project/plans');
  const dialog = page.getByRole('dialog');

  await t.test('a plan shows its runs and its calendar before it is saved', async () => {
    await page.getByText('No items to display.').waitFor();
    await page.getByRole('button', { name: 'Create Plan' }).click();
    await refused(page, 'Create Plan', 'This field is required.');
    await fill(page, { 'Plan Name': 'x'.repeat(101) });
    await refused(page, 'Create Plan', 'At most 100 characters');
    await fill(page, { 'Plan Name': 'nightly', 'One a day, of days': '0' });
    await refused(page, 'Create Plan', 'A whole number from 1, or nothing.');
    await dialog.getByText('When the fields are right').waitFor();
    await fill(page, { 'One a day, of days': '3', When: 'By a cron expression' });
    await refused(page, 'Create Plan', 'This field is required.');
    await fill(page, { 'Cron expression': 'now and then' });
    await refused(page, 'Create Plan', 'cannot be used');
    await fill(page, { 'Cron expression': '30 2 * * *', 'Time zone': 'Europe/Berlin' });
    await dialog.getByRole('radio', { name: 'These volumes' }).check();
    await refused(page, 'Create Plan', 'Choose at least one.');
    await dialog.getByRole('checkbox', { name: 'disk' }).check();

    const runs = dialog.getByRole('region', { name: 'Next runs' }).getByRole('listitem');
    await runs.nth(4).waitFor();
    assert.equal(await runs.count(), 5);
    const calendar = dialog.getByRole('region', { name: 'Calendar of what is kept' });
    await calendar.getByText('kept: ', { exact: false }).first().waitFor();
    await calendar.locator('.day-deleted').first().waitFor();
    await dialog.getByText(/1 volume: \d+ kept, \d+ deleted of \d+ backups\./).waitFor();
    assert.equal((await client.plans.list()).length, 0, 'looking saves nothing');
    assert.deepEqual(await hindrances(page), []);
    await picture(page, 'plan-what-if');
    await complete(page, 'Create Plan');
    await rowShows(page, 'nightly', '30 2 * * * (Europe/Berlin)');
    await rowShows(page, 'nightly', '3 days, 4 weeks, 6 months');
    const [plan] = await client.plans.list();
    assert.deepEqual(plan?.retention, { daily: 3, weekly: 4, monthly: 6 });
  });

  await t.test('it has run, and what it made is on its page', async () => {
    await rowOf(page, 'nightly').getByRole('link', { name: 'nightly' }).click();
    await page.getByRole('table', { name: 'Runs' }).getByText('done').waitFor();
    await page.getByRole('table', { name: 'Volumes of the plan' }).getByText('disk').waitFor();
    await page.getByRole('button', { name: 'More actions for nightly' }).click();
    await page.getByRole('menuitem', { name: 'Run Now' }).click();
    await noted(page, 'Plan "nightly" runs now for 1 volume.');
    await page.getByRole('table', { name: 'Runs' }).getByText('done').nth(1).waitFor();
  });

  await t.test('it is edited, switched off and on', async () => {
    await go(page, 'Plans');
    await act(page, 'nightly', 'Edit Plan');
    assert.equal(await dialog.getByLabel('Plan Name').inputValue(), 'nightly');
    await dialog.getByText('Of those that are there', { exact: false }).waitFor();
    await fill(page, { When: 'Every week, Sunday at 1:00' });
    await complete(page, 'Save Changes');
    await rowShows(page, 'nightly', 'weekly (Europe/Berlin)');
    await act(page, 'nightly', 'Disable Plan');
    await rowShows(page, 'nightly', 'No');
    await act(page, 'nightly', 'Enable Plan');
    await rowShows(page, 'nightly', 'Yes');
  });

  await t.test('a hold keeps a backup from everybody until it is released', async () => {
    const other = await volumeReady(
      client,
      await client.volumes.create({ size: 1, name: 'other' }),
    );
    await backupReady(client, await client.backups.create({ volume_id: other, name: 'kept' }));
    await go(page, 'Backups');
    await act(page, 'kept', 'Place Hold');
    await fill(page, { Reason: 'for the audit' });
    await complete(page, 'Place Hold');
    await act(page, 'kept', 'Delete Volume Backup');
    await refused(page, 'Delete Volume Backup', 'a hold on backup');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await go(page, 'Holds');
    await act(page, 'for the audit', 'Release Hold');
    await complete(page, 'Release Hold');
    await page.getByText('No items to display.').waitFor();
    assert.deepEqual(await client.plans.holds(), []);
  });

  await t.test('its deletion asks what becomes of what it made', async () => {
    await go(page, 'Plans');
    await act(page, 'nightly', 'Delete Plan');
    await dialog.getByRole('radio', { name: /Delete it too/ }).check();
    await complete(page, 'Delete Plan');
    await page.getByText('No items to display.').waitFor();
    await go(page, 'Backups');
    await rowOf(page, 'kept').waitFor();
    await rowOf(page, 'nightly').waitFor({ state: 'detached' });
  });
});

/** The portal: a newcomer protects a volume, backs it up and restores it, also on a phone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { snapshotReady, volumeReady } from '../firn.ts';
import { needs } from '../peer.ts';
import { hindrances, logIn, noted, openDashboard, picture } from './dashboard.ts';

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

async function card(page: Page, name: string, words: RegExp): Promise<void> {
  const shown = page.locator('.portal-card').filter({ hasText: name }).filter({ hasText: words });
  await shown.first().waitFor();
}

test(
  'a newcomer protects a volume with two clicks, and gets it back',
  needs('chromium'),
  async (t) => {
    const { scene, visit, password } = await openDashboard(t);
    const { client } = scene;
    await volumeReady(client, await client.volumes.create({ name: 'photos', size: 1 }));
    const diskId = await volumeReady(
      client,
      await client.volumes.create({ name: 'disk', size: 1 }),
    );
    const taken = await client.snapshots.create({ volume_id: diskId, name: 'before' });
    const snapshotId = await snapshotReady(client, taken);
    const page = await visit('/portal');
    await logIn(page, password);
    await card(
      page,
      'photos',
      /Not protected\. There is no backup of it, and no plan makes new ones/,
    );
    assert.deepEqual(await hindrances(page), []);

    await t.test('protect: two clicks, and the first backup is made', async () => {
      await page.getByRole('button', { name: 'Protect photos' }).click();
      await page.getByRole('dialog').waitFor();
      assert.deepEqual(await hindrances(page), []);
      await page.getByText('What would be kept').first().click();
      const calendar = page.getByRole('region', { name: 'Calendar of what is kept' });
      await calendar.getByText('kept: ', { exact: false }).first().waitFor();
      assert.deepEqual(await hindrances(page), []);
      await picture(page, 'portal-protect');
      await page.getByRole('button', { name: 'Every night' }).click();
      await card(
        page,
        'photos',
        /Protected, not yet proven\..*backed up (?:just now|\d+ minutes? ago)/,
      );
      await page.getByText('photos was backed up').waitFor();
      await page.getByText('1 of 2 is protected.').waitFor();
      assert.deepEqual((await client.plans.list()).map(({ name }) => name).sort(), [
        'every-night',
        'weekly-check',
      ]);
      await picture(page, 'portal');
    });

    await t.test('proven: when the backup has been read back', async () => {
      const plan = await client.plans.find('weekly-check');
      await client.plans.run(plan.id, undefined);
      await card(
        page,
        'photos',
        /Protected and proven\..*read back and checked (?:just now|\d+ minutes? ago)/,
      );
      await picture(page, 'portal-proven');
    });

    await t.test('back up now, and restore to a new volume', async () => {
      await page.getByRole('button', { name: 'Back up now: photos' }).click();
      await page.getByRole('dialog').getByText('at this moment').waitFor();
      await page.getByRole('dialog').getByRole('button', { name: 'Back up now' }).click();
      await noted(page, 'photos is being backed up.');
      await page.getByRole('button', { name: 'Restore photos' }).click();
      await page.getByRole('dialog').getByText('Nothing is overwritten').waitFor();
      assert.deepEqual(await hindrances(page), []);
      await picture(page, 'portal-restore');
      await page.getByLabel('Name of the new volume').fill('photos again');
      await page.getByRole('dialog').getByRole('button', { name: 'Restore', exact: true }).click();
      await card(page, 'photos again', /rotected/);
    });

    await t.test('over the old volume only when one says so twice', async () => {
      await page.getByRole('button', { name: 'Restore photos', exact: true }).click();
      await page.getByRole('radio', { name: /Over photos itself/ }).check();
      const button = page
        .getByRole('dialog')
        .getByRole('button', { name: 'Overwrite and restore' });
      assert.equal(await button.isDisabled(), true);
      await page.getByRole('checkbox', { name: /may be lost/ }).check();
      await button.click();
      await noted(page, 'photos is being restored.');
    });

    await t.test('a snapshot leads to the dashboard, with it chosen', async () => {
      await page.goto(new URL(`/portal/volumes/${diskId}`, page.url()).href);
      await page.getByRole('link', { name: 'before' }).click();
      await page.getByText('made in the dashboard').waitFor();
      await page.getByRole('link', { name: 'Create Backup in the dashboard' }).click();
      await page.getByRole('dialog').getByText('Create Volume Backup').first().waitFor();
      assert.match(page.url(), new RegExp(snapshotId));
      assert.match((await page.getByRole('dialog').textContent()) ?? '', /before/);
    });

    await t.test('on a phone, and in the dark', async () => {
      for (const colorScheme of ['light', 'dark'] as const) {
        const small = await visit('/portal', { ...phone, colorScheme });
        await logIn(small, password);
        await card(small, 'photos', /Protected/);
        const overflow = await small.evaluate('document.documentElement.scrollWidth');
        assert.ok(Number(overflow) <= 390, `${String(overflow)} pixels wide`);
        assert.deepEqual(await hindrances(small), []);
        await picture(small, `portal-phone-${colorScheme}`);
        await small.context().close();
      }
    });
  },
);

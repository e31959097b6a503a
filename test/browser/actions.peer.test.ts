/** The actions of the tables, and bad input in their forms. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { volumeReady } from '../firn.ts';
import { needs } from '../peer.ts';
import {
  act,
  complete,
  fill,
  hindrances,
  noted,
  openDashboard,
  refused,
  rowOf,
  rowShows,
} from './dashboard.ts';

const tooLong = 'x'.repeat(256);

test('the actions', needs('chromium'), async (t) => {
  const dashboard = await openDashboard(t);
  const { client } = dashboard.scene;
  const page = await dashboard.open('/project/volumes');

  await t.test('of volumes', async () => {
    await page.getByRole('button', { name: 'Create Volume', exact: true }).first().click();
    await fill(page, { 'Volume Name': tooLong });
    await refused(page, 'Create Volume', 'At most 255 characters');
    await fill(page, { 'Volume Name': 'disk', 'Size (GiB)': '0' });
    await refused(page, 'Create Volume', 'The value must be at least 1.');
    await fill(page, { 'Size (GiB)': '999999' });
    await refused(page, 'Create Volume', 'of your quota available.');
    await fill(page, { 'Size (GiB)': '1', Description: 'Made by hand' });
    assert.deepEqual(await hindrances(page), []);
    await complete(page, 'Create Volume');
    await noted(page, 'Creating volume "disk"');
    await rowShows(page, 'disk', 'Available');

    await act(page, 'disk', 'Edit Volume');
    await fill(page, { 'Volume Name': 'root', Description: 'Renamed' });
    await page.getByRole('dialog').getByLabel('Bootable').check();
    await complete(page, 'Submit');
    await rowShows(page, 'root', 'Yes');

    await act(page, 'root', 'Extend Volume');
    await fill(page, { 'New Size (GiB)': '1' });
    await refused(page, 'Extend Volume', 'New size must be greater than current size.');
    await fill(page, { 'New Size (GiB)': '2' });
    await complete(page, 'Extend Volume');
    await rowShows(page, 'root', '2GiB');

    await act(page, 'root', 'Update Metadata');
    await page.getByRole('button', { name: 'Add Entry' }).click();
    await refused(page, 'Save', 'This field is required.');
    await page.getByRole('dialog').getByLabel('Key', { exact: true }).fill('purpose');
    await page.getByRole('dialog').getByLabel('Value of purpose').fill('tests');
    await complete(page, 'Save');
    const [volume] = await Array.fromAsync(client.volumes.list());
    assert.deepEqual(
      [volume?.name, volume?.description, volume?.size, volume?.metadata],
      ['root', 'Renamed', 2, { purpose: 'tests' }],
    );
  });

  await t.test('of snapshots', async () => {
    await act(page, 'root', 'Create Snapshot');
    await refused(page, 'Create Volume Snapshot', 'This field is required.');
    await fill(page, { 'Snapshot Name': 'first' });
    await complete(page, 'Create Volume Snapshot');
    await noted(page, 'Creating volume snapshot "first".');
    await rowShows(page, 'first', 'Available');
    await act(page, 'first', 'Edit Snapshot');
    await fill(page, { 'Snapshot Name': tooLong });
    await refused(page, 'Save Changes', 'At most 255 characters');
    await fill(page, { 'Snapshot Name': 'renamed' });
    await complete(page, 'Save Changes');
    await rowOf(page, 'renamed').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await noted(page, 'It is as it was before.');
    await rowOf(page, 'first').waitFor();
    await act(page, 'first', 'Create Volume');
    await fill(page, { 'Volume Name': 'from-snapshot', 'Size (GiB)': '1' });
    await refused(page, 'Create Volume', 'cannot be less than the snapshot size (2GiB)');
    await fill(page, { 'Size (GiB)': '2' });
    await complete(page, 'Create Volume');
    await rowShows(page, 'from-snapshot', 'Available');
  });

  await t.test('of backups: made, verified, restored at once, deleted by name', async () => {
    await act(page, 'from-snapshot', 'Create Backup');
    await refused(page, 'Create Volume Backup', 'This field is required.');
    await fill(page, { 'Backup Name': 'copy' });
    await complete(page, 'Create Volume Backup');
    await rowShows(page, 'copy', 'Available');
    await act(page, 'copy', 'Verify Backup');
    await complete(page, 'Verify Backup');
    await rowOf(page, 'copy').getByText('Verified: blocks').waitFor();
    await act(page, 'copy', 'Instant Restore');
    await fill(page, { 'Volume Name': 'at-once' });
    await complete(page, 'Instant Restore');
    await page.getByRole('heading', { name: 'at-once', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'Backups', exact: true }).click();
    await rowOf(page, 'copy').getByLabel('Select copy').check();
    await page.getByRole('button', { name: 'Delete Volume Backups' }).click();
    await page.getByRole('dialog').getByText('“copy”').waitFor();
    await complete(page, 'Delete Volume Backup');
    await noted(page, 'Scheduled deletion of Volume Backup: copy');
    await page.getByText('No items to display.').waitFor();
  });

  await t.test('a refusal of the API is told in its words, and changes nothing', async () => {
    await page.getByRole('link', { name: 'Volumes', exact: true }).click();
    await rowOf(page, 'from-snapshot').waitFor();
    for (const name of ['root', 'from-snapshot']) await page.getByLabel(`Select ${name}`).check();
    await page.getByRole('button', { name: 'Delete Volumes' }).click();
    await page.getByRole('dialog').getByText('from-snapshot').waitFor();
    await complete(page, 'Delete Volumes');
    await page.getByText('Delete Volumes failed: root').waitFor();
    await rowOf(page, 'from-snapshot').waitFor({ state: 'detached' });
    await rowShows(page, 'root', 'Available');
  });

  await t.test('of a connection: the address, commands to copy, and its end', async () => {
    const id = await client.volumes.create({ size: 1, name: 'to-connect' });
    await volumeReady(client, id);
    await act(page, 'to-connect', 'Connect');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.getByLabel('libvirt XML', { exact: true }).getByText("protocol='nbd'").waitFor();
    await page
      .getByText(/nbdcopy 'nbds?:/)
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Detach' }).click();
    await complete(page, 'Detach Volume');
    await page.getByRole('button', { name: 'Connect', exact: true }).waitFor();
  });
});

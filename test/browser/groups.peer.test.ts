/** The actions of groups, of transfers, and those that change a volume as a whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backupReady, snapshotReady, volumeReady } from '../firn.ts';
import { needs } from '../peer.ts';
import {
  act,
  complete,
  fill,
  go,
  hindrances,
  noted,
  openDashboard,
  refused,
  rowOf,
  rowShows,
  submit,
} from './dashboard.ts';

test('groups, transfers and whole volumes', needs('chromium'), async (t) => {
  const dashboard = await openDashboard(t);
  const { client } = dashboard.scene;
  for (const name of ['data', 'log', 'loose']) {
    await volumeReady(client, await client.volumes.create({ size: 1, name }));
  }
  const page = await dashboard.open('/project/volume_groups');
  const dialog = page.getByRole('dialog');

  await t.test('a group is made, filled and edited', async () => {
    await page.getByRole('button', { name: 'Create Group' }).first().click();
    await refused(page, 'Create Group', 'This field is required.');
    await refused(page, 'Create Group', 'Choose at least one.');
    await fill(page, { Name: 'database', 'Group Type': 'default_cgsnapshot_type' });
    await dialog.getByRole('checkbox', { name: '__DEFAULT__' }).check();
    assert.deepEqual(await hindrances(page), []);
    await complete(page, 'Create Group');
    await rowShows(page, 'database', 'Available');
    await act(page, 'database', 'Manage Volumes');
    for (const name of ['data', 'log']) {
      await dialog.getByRole('checkbox', { name: `${name} (1 GiB)` }).check();
    }
    await complete(page, 'Submit');
    await rowShows(page, 'database', 'Available');
    await act(page, 'database', 'Edit Group');
    await fill(page, { Name: '' });
    await refused(page, 'Submit', 'This field is required.');
    await fill(page, { Name: 'app', Description: 'Data and log' });
    await complete(page, 'Submit');
    await rowOf(page, 'app').getByRole('link', { name: 'app' }).click();
    await page.getByRole('main').getByRole('link', { name: 'data' }).waitFor();
    await page.getByRole('main').getByRole('link', { name: 'log' }).waitFor();
  });

  await t.test('it is snapshotted at one instant, copied and cloned', async () => {
    await go(page, 'Groups');
    await act(page, 'app', 'Create Snapshot');
    await refused(page, 'Create Snapshot', 'This field is required.');
    await fill(page, { 'Snapshot Name': 'together' });
    await complete(page, 'Create Snapshot');
    await rowShows(page, 'together', 'Available');
    await act(page, 'together', 'Create Group');
    await refused(page, 'Create Group', 'This field is required.');
    await fill(page, { 'Group Name': 'copy' });
    await complete(page, 'Create Group');
    await rowShows(page, 'copy', 'Available');
    await act(page, 'copy', 'Clone Group');
    await fill(page, { 'Group Name': 'twin' });
    await complete(page, 'Clone Group');
    await rowShows(page, 'twin', 'Available');
  });

  await t.test('and goes, with its volumes only when one says so', async () => {
    await act(page, 'copy', 'Delete Group');
    await submit(page, 'Delete Group');
    await dialog.getByRole('alert').waitFor();
    await dialog.getByRole('checkbox', { name: 'Delete Volumes' }).check();
    await complete(page, 'Delete Group');
    await rowOf(page, 'copy').waitFor({ state: 'detached' });
    await go(page, 'Group Snapshots');
    await page.getByLabel('Select together').check();
    await page.getByRole('button', { name: 'Delete Group Snapshots' }).click();
    await complete(page, 'Delete Group Snapshot');
    await page.getByText('No items to display.').waitFor();
  });

  await t.test('a transfer is cancelled, and one is accepted', async () => {
    await go(page, 'Volumes');
    await act(page, 'loose', 'Create Transfer');
    await refused(page, 'Create Volume Transfer', 'This field is required.');
    await fill(page, { 'Transfer Name': 'first' });
    await submit(page, 'Create Volume Transfer');
    await dialog.getByText('shown only now').waitFor();
    await complete(page, 'Done');
    await rowShows(page, 'loose', 'Awaiting Transfer');
    await act(page, 'loose', 'Cancel Transfer');
    await complete(page, 'Cancel Transfer');
    await rowShows(page, 'loose', 'Available');

    await act(page, 'loose', 'Create Transfer');
    await fill(page, { 'Transfer Name': 'second' });
    await submit(page, 'Create Volume Transfer');
    const id = await dialog.getByLabel('Transfer ID', { exact: true }).innerText();
    const key = await dialog.getByLabel('Authorization Key', { exact: true }).innerText();
    await complete(page, 'Done');
    await page.getByRole('button', { name: 'Accept Transfer' }).click();
    await refused(page, 'Accept Volume Transfer', 'This field is required.');
    await fill(page, { 'Transfer ID': id, 'Authorization Key': 'guessed' });
    await submit(page, 'Accept Volume Transfer');
    await dialog.getByRole('alert').waitFor();
    await fill(page, { 'Authorization Key': key });
    await complete(page, 'Accept Volume Transfer');
    await noted(page, 'Successfully accepted volume transfer: "second"');
    await rowShows(page, 'loose', 'Available');
  });

  await t.test('a volume becomes an image, and what its snapshot held', async () => {
    await act(page, 'loose', 'Upload to Image');
    await refused(page, 'Upload', 'This field is required.');
    await fill(page, { 'Image Name': 'golden' });
    await complete(page, 'Upload');
    await rowShows(page, 'loose', 'Available');
    await go(page, 'Images');
    // A gibibyte is read and written, on however busy a machine.
    await rowOf(page, 'golden').getByText('Active', { exact: true }).waitFor({ timeout: 240_000 });
    await rowOf(page, 'golden').getByRole('link', { name: 'golden' }).click();
    await page.getByText('An image needs no backup').waitFor();
    assert.equal(await page.getByRole('button', { name: /Backup/ }).count(), 0);

    const loose = (await Array.fromAsync(client.volumes.list())).find(
      ({ name }) => name === 'loose',
    );
    const taken = await client.snapshots.create({ volume_id: loose?.id ?? '', name: 'before' });
    await snapshotReady(client, taken);
    await go(page, 'Snapshots');
    await act(page, 'before', 'Revert Volume to Snapshot');
    await dialog.getByText('All that was written since is lost').waitFor();
    await complete(page, 'Revert Volume to Snapshot');
    await noted(page, 'Reverting the volume to "before".');
    await rowShows(page, 'before', 'Available');
  });

  await t.test('a snapshot is mounted, and its address ended', async () => {
    await act(page, 'before', 'Mount');
    await submit(page, 'Mount');
    const address = dialog.getByLabel('NBD address', { exact: true });
    assert.match(await address.innerText(), /^nbds?(?:\+unix)?:\/\//);
    await complete(page, 'Keep it');
    await rowOf(page, 'before').getByRole('link', { name: 'before' }).click();
    await page.getByRole('button', { name: 'End', exact: true }).click();
    await page.getByText('Nowhere.', { exact: false }).waitFor();
  });

  await t.test('a backup is mounted; a drill leaves its log on its page', async () => {
    const [snapshot] = await Array.fromAsync(client.snapshots.list());
    assert.ok(snapshot !== undefined);
    const { id: snapshotId, volume_id: volumeId } = snapshot;
    const wanted = { volume_id: volumeId, snapshot_id: snapshotId, name: 'to-drill' };
    await backupReady(client, await client.backups.create(wanted));
    await go(page, 'Backups');
    await act(page, 'to-drill', 'Mount');
    await submit(page, 'Mount');
    const address = dialog.getByLabel('NBD address', { exact: true });
    assert.match(await address.innerText(), /^nbds?(?:\+unix)?:\/\//);
    await complete(page, 'End it');
    await act(page, 'to-drill', 'Run Drill');
    await complete(page, 'Run Drill');
    await rowOf(page, 'to-drill').getByRole('link', { name: 'to-drill' }).click();
    await page.getByLabel('Log of the drill').waitFor();
    await page.getByText('Nowhere.', { exact: false }).waitFor();
  });

  await t.test('a point of the history is compared with another', async () => {
    await page.getByRole('link', { name: 'loose' }).click();
    const history = page.getByRole('region', { name: 'History and contents' });
    await history.getByRole('button', { name: /before/ }).click();
    await history.getByLabel('Compare before with').selectOption('the backup to-drill');
    await history.getByRole('heading', { name: 'Where the backup “to-drill” holds' }).waitFor();
    await history.getByText('changed since the snapshot “before”', { exact: false }).waitFor();
    assert.deepEqual(await hindrances(page), []);
  });
});

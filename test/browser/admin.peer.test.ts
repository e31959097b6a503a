/** The actions of administrators: people, projects, quotas, types, services and messages. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { backupReady, volumeReady } from '../firn.ts';
import { needs } from '../peer.ts';
import {
  act,
  complete,
  fill,
  go,
  hindrances,
  logIn,
  openDashboard,
  refused,
  rowOf,
  rowShows,
  submit,
} from './dashboard.ts';

test('what administrators do', needs('chromium'), async (t) => {
  const dashboard = await openDashboard(t);
  const { client } = dashboard.scene;
  const page = await dashboard.open('/identity/projects');
  const dialog = page.getByRole('dialog');

  await t.test('a project is made, renamed, and given quotas', async () => {
    await page.getByRole('button', { name: 'Create Project' }).click();
    await refused(page, 'Create Project', 'This field is required.');
    await fill(page, { Name: 'admin' });
    await refused(page, 'Create Project', 'Unable to create project.');
    await fill(page, { Name: 'laboratory', Description: 'For trials' });
    await complete(page, 'Create Project');
    await act(page, 'laboratory', 'Edit Project');
    await fill(page, { Name: 'lab' });
    await complete(page, 'Save');
    await rowShows(page, 'lab', 'For trials');
    await act(page, 'lab', 'Modify Quotas');
    await fill(page, { Volumes: 'many' });
    await refused(page, 'Save', 'A whole number, or -1 for no limit.');
    await fill(page, { Volumes: '1' });
    await complete(page, 'Save');
  });

  await t.test('a user is made, and kept out and let in again', async () => {
    await go(page, 'Users');
    await page.getByRole('button', { name: 'Create User' }).click();
    await fill(page, { 'User Name': 'mia' });
    await dialog.getByRole('textbox', { name: 'Password', exact: true }).fill('first secret');
    await fill(page, { 'Confirm Password': 'another' });
    await refused(page, 'Create User', 'Passwords do not match.');
    await fill(page, { 'Confirm Password': 'first secret', 'Primary Project': 'lab' });
    assert.deepEqual(await hindrances(page), []);
    await complete(page, 'Create User');
    await act(page, 'mia', 'Disable User');
    await rowShows(page, 'mia', 'No');
    await act(page, 'mia', 'Enable User');
    await rowShows(page, 'mia', 'Yes');
    await act(page, 'mia', 'Change Password');
    await refused(page, 'Save', 'This field is required.');
    await dialog.getByRole('textbox', { name: 'Password', exact: true }).fill('second secret');
    await fill(page, { 'Confirm Password': 'second secret' });
    await complete(page, 'Save');
  });

  await t.test('who sees the own project alone, up to its quota', async () => {
    const other = await dashboard.visit('/project/volumes');
    await logIn(other, 'second secret', 'mia');
    await other.getByText('No items to display.').waitFor();
    assert.equal(await other.getByRole('link', { name: 'Users' }).count(), 0);
    const create = other.getByRole('button', { name: /^Create Volume/ }).first();
    await create.click();
    await fill(other, { 'Volume Name': 'only' });
    await complete(other, 'Create Volume');
    await rowShows(other, 'only', 'Available');
    await other.getByRole('button', { name: /Quota exceeded/ }).waitFor();
    await other.context().close();
  });

  await t.test('members come and go; the picker leads to the other project', async () => {
    await go(page, 'Projects');
    await act(page, 'lab', 'Manage Members');
    await refused(page, 'Add Member', 'Choose a user.');
    await fill(page, { User: 'admin', Role: 'admin' });
    await complete(page, 'Add Member');
    await act(page, 'lab', 'Manage Members');
    await dialog.getByRole('button', { name: 'Take member from mia' }).click();
    await dialog.getByRole('button', { name: 'Take member from mia' }).waitFor({
      state: 'detached',
    });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.reload();
    await page.getByRole('button', { name: 'Project Default • admin' }).click();
    await page.getByRole('menuitem', { name: 'lab' }).click();
    await page.getByRole('button', { name: 'Project Default • lab' }).waitFor();
    await go(page, 'Volumes');
    await rowOf(page, 'only').waitFor();
    await page.getByRole('button', { name: 'Project Default • lab' }).click();
    await page.getByRole('menuitem', { name: 'admin' }).click();
    await page.getByText('No items to display.').waitFor();
    await go(page, 'Users');
    await act(page, 'mia', 'Delete User');
    await complete(page, 'Delete User');
    await rowOf(page, 'mia').waitFor({ state: 'detached' });
  });

  await t.test('a volume type gets specs and those who may use it', async () => {
    await go(page, 'Volume Types');
    await page.getByRole('button', { name: 'Create Volume Type' }).click();
    await refused(page, 'Create Volume Type', 'This field is required.');
    await fill(page, { Name: '__DEFAULT__' });
    await refused(page, 'Create Volume Type', 'Unable to save volume type.');
    await fill(page, { Name: 'swift' });
    await dialog.getByRole('checkbox', { name: 'Public' }).uncheck();
    await complete(page, 'Create Volume Type');
    await act(page, 'swift', 'View Extra Specs');
    await refused(page, 'Add', 'This field is required.');
    await fill(page, { Key: 'note', Value: 'for the laboratory' });
    await submit(page, 'Add');
    await dialog.getByRole('button', { name: 'Remove note' }).click();
    await dialog.getByText('None yet.').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await act(page, 'swift', 'Edit Access');
    await dialog.getByRole('checkbox', { name: 'admin' }).check();
    await complete(page, 'Save');
    await act(page, 'swift', 'Edit Access');
    assert.equal(await dialog.getByRole('checkbox', { name: 'admin' }).isChecked(), true);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  await t.test('a volume changes to it; then it is not deleted', async () => {
    const volume = await client.volumes.create({ size: 1, name: 'disk' });
    await volumeReady(client, volume);
    await go(page, 'Volumes');
    await act(page, 'disk', 'Change Volume Type');
    await refused(page, 'Change Volume Type', 'Choose another type than the current one.');
    await fill(page, { Type: 'swift' });
    await complete(page, 'Change Volume Type');
    await rowShows(page, 'disk', 'swift');
    await go(page, 'Volume Types');
    await act(page, 'swift', 'Delete Volume Type');
    await refused(page, 'Delete Volume Type', 'Delete Volume Type failed.');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await act(page, 'swift', 'Edit Volume Type');
    await fill(page, { Description: 'Taken' });
    await complete(page, 'Edit Volume Type');
    await rowShows(page, 'swift', 'Taken');
    await client.volumes.delete(volume);
  });

  await t.test('a service is disabled, with a reason, and enabled', async () => {
    await go(page, 'System Information');
    await act(page, 'cinder-backup', 'Disable Service');
    await refused(page, 'Disable Service', 'This field is required.');
    await fill(page, { Reason: 'new disks' });
    await complete(page, 'Disable Service');
    await rowOf(page, 'cinder-backup').getByText('Disabled: new disks').waitFor();
    await act(page, 'cinder-backup', 'Enable Service');
    await rowOf(page, 'cinder-backup').getByText('Enabled', { exact: true }).waitFor();
  });

  await t.test('a message says what failed and what to do, and is dismissed', async () => {
    const metadata = { 'firn:plan': 'no-such-plan' };
    await client.volumes.create({ size: 1, name: 'astray', metadata });
    await go(page, 'Overview');
    const failed = page.getByRole('region', { name: 'What failed, and what to do' });
    await failed.getByText('no-such-plan', { exact: false }).first().waitFor();
    await failed.getByText('of that name, or correct its metadata', { exact: false }).waitFor();
    await go(page, 'Messages');
    await page.getByRole('button', { name: /^Dismiss message/ }).click();
    await page.getByText('No items to display.', { exact: false }).waitFor();
    await go(page, 'Audit');
    await page.getByText('message.delete').first().waitFor();
  });

  await t.test('work that waits says for whom', async () => {
    const volume = await client.volumes.create({ size: 1, name: 'small' });
    await volumeReady(client, volume);
    const backup = await client.backups.create({ volume_id: volume });
    await backupReady(client, backup);
    // Somebody who cannot be asked is waited for as long as his lease may be renewed.
    const leases = join(dashboard.scene.dataFolder, 'backups/volumebackups/leases');
    await mkdir(leases, { recursive: true });
    await writeFile(join(leases, `prune-${'ab'.repeat(16)}.0`), 'whoever');
    await client.backups.delete(backup);
    await go(page, 'Overview');
    const running = page.getByRole('region', { name: 'Running now' });
    await running.getByText('Waits for its turn: another process is at the same work').waitFor();
  });
});

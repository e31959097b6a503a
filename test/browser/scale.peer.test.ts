/** Much of everything: a backup of 2 GiB, ten thousand rows, a slow network. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { must } from '../../src/base/assert.ts';
import { backupReady } from '../firn.ts';
import { needs } from '../peer.ts';
import {
  act,
  complete,
  fill,
  go,
  hindrances,
  logIn,
  openDashboard,
  rowOf,
  rowShows,
} from './dashboard.ts';
import { fillVolume } from './data.ts';

const rowCount = 10_000;

/** Copies the row of the only backup until there are as many. */
function multiplyBackups(dataFolder: string): void {
  const database = new DatabaseSync(join(dataFolder, 'catalog.sqlite'));
  const columns = database.prepare('pragma table_info(backups)').all();
  const names = columns.map(({ name }) => String(name));
  const own: Readonly<Record<string, string>> = {
    id: "printf('%08x-0000-4000-8000-%012x', n, n)",
    name: "printf('row-%05d', n)",
    created_at: 'created_at + n',
  };
  const values = names.map((name) => own[name] ?? name);
  database.exec(
    `with recursive numbers(n) as
       (select 1 union all select n + 1 from numbers where n < ${rowCount - 1})
     insert into backups (${names.join(', ')}) select ${values.join(', ')} from backups, numbers`,
  );
  database.close();
}

test('much of everything', needs('chromium'), async (t) => {
  const dashboard = await openDashboard(t, ['--store-upload-limit', '4']);
  const { scene } = dashboard;
  await fillVolume(scene, { name: 'big', randomMiB: 64, sizeGiB: 2 });
  const page = await dashboard.open('/project/volumes');

  await t.test('a backup of 2 GiB is seen to go on, also by somebody else', async () => {
    const other = await dashboard.open('/project/backups');
    await act(page, 'big', 'Create Backup');
    await fill(page, { 'Backup Name': 'all-of-it' });
    await other.evaluate(`{
      window.seen = new Set();
      new MutationObserver(() => {
        for (const bar of document.querySelectorAll('[aria-label^="Progress: "]'))
          window.seen.add(
            bar.getAttribute('aria-label') + bar.closest('.backup-progress').textContent,
          );
      }).observe(document.body, { subtree: true, childList: true, attributes: true });
    }`);
    await complete(page, 'Create Volume Backup');
    const [backup] = await Array.fromAsync(scene.client.backups.list());
    await backupReady(scene.client, must(backup, 'the backup').id);
    await rowShows(other, 'all-of-it', 'Available');
    await rowShows(page, 'all-of-it', 'Available');
    const seen: string[] = await other.evaluate('[...window.seen]');
    const percents = new Set(seen.map((text) => /Progress: (\d+) %/.exec(text)?.[1]));
    assert.ok(percents.size >= 2, `it moved: ${[...percents].join()}`);
    assert.ok(
      seen.some((text) => /of 2\.0 GiB \(\d+ %\)/.test(text)),
      seen.at(-1),
    );
    await other.context().close();
  });

  await t.test('ten thousand rows are paged, sorted and filtered by the server', async () => {
    const { host } = new URL(dashboard.url);
    await scene.firn.stop();
    multiplyBackups(scene.dataFolder);
    await scene.restart(['--listen', host]);
    await page.goto(`${dashboard.url}/project/backups?sort=name:desc`);
    await rowOf(page, 'row-09999').waitFor();
    await page.getByText(`Displaying ${rowCount} items (1–20)`).first().waitFor();
    assert.equal(await page.locator('table.resources tbody tr').count(), 20);
    const begin = performance.now();
    await page.getByRole('button', { name: 'Last »' }).click();
    await rowOf(page, 'all-of-it').waitFor();
    t.diagnostic(`from the first page to the last: ${Math.round(performance.now() - begin)} ms`);
    assert.match(page.url(), /page=500/);
    await page.reload();
    await rowOf(page, 'all-of-it').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('row-0123');
    await page.getByText('Displaying 10 items').first().waitFor();
    assert.deepEqual(await hindrances(page), []);
    await go(page, 'Overview');
    await page.getByRole('region', { name: 'Protection' }).waitFor();
  });

  await t.test('a slow network delays, and hinders nothing', async () => {
    const slow = await dashboard.visit('/login?next=%2Fproject%2Fvolumes');
    const session = await slow.context().newCDPSession(slow);
    const bytesPerSecond = 100_000;
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 300,
      downloadThroughput: bytesPerSecond,
      uploadThroughput: bytesPerSecond,
    });
    await logIn(slow, dashboard.password);
    const create = slow.getByRole('button', { name: 'Create Volume', exact: true }).first();
    await create.click();
    await fill(slow, { 'Volume Name': 'by-modem' });
    const send = slow.getByRole('dialog').getByRole('button', { name: 'Create Volume' });
    // An impatient second click makes no second volume.
    await send.dblclick();
    await rowShows(slow, 'by-modem', 'Available');
    const made = (await Array.fromAsync(scene.client.volumes.list())).filter(
      ({ name }) => name === 'by-modem',
    );
    assert.equal(made.length, 1);
    await slow.context().close();
  });

  await t.test('the first load is quick', async () => {
    const first = await dashboard.visit('/login');
    await first.getByRole('heading', { name: 'Log in' }).waitFor();
    const loaded: { bytes: number; ms: number } = await first.evaluate(`({
      bytes: performance.getEntriesByType('resource')
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
      ms: performance.now(),
    })`);
    t.diagnostic(`first load: ${loaded.bytes} bytes, there after ${Math.round(loaded.ms)} ms`);
    assert.ok(loaded.bytes > 0 && loaded.bytes < 300_000, `${loaded.bytes} bytes`);
    await first.context().close();
  });
});

/**
 * Loaded before every test file: a file that does not come to its end, because something still runs
 * or a thread waits, fails and says what kept it, and does not hold up all others.
 */
import { isMainThread } from 'node:worker_threads';

const deadlineMs = Number(process.env['FIRN_TEST_FILE_DEADLINE_MS'] ?? 900_000);

function end(): void {
  const kept = process.getActiveResourcesInfo().join(', ');
  const file = process.argv[1] ?? 'a test file';
  process.stderr.write(`${file} did not end within ${deadlineMs} ms; still active: ${kept}\n`);
  process.exit(1);
}

if (isMainThread) setTimeout(end, deadlineMs).unref();

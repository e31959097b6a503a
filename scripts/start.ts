/** `npm start`: builds the dashboard where that is missing or old, and runs the service. */
import { buildDashboard } from './build-dashboard.ts';

try {
  await buildDashboard();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`Firn: the dashboard could not be built; it starts without: ${reason}\n`);
}
process.argv.splice(2, 0, 'serve');
await import('../bin/firn.ts');

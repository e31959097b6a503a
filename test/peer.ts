import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The options of a test that needs programs which may not be there: skipped with a reason, unless
 * CI=true, where the test then runs and fails.
 */
export function needs(...commands: readonly string[]): { skip?: string } {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const missing = commands.filter(
    (command) => !folders.some((folder) => existsSync(join(folder, command))),
  );
  if (missing.length === 0 || process.env['CI'] === 'true') return {};
  return { skip: `not installed: ${missing.join(', ')}` };
}

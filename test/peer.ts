import { spawnSync } from 'node:child_process';
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

/** As `needs`, for a test whose Python program imports `module` as well. */
export function needsPython(module: string, ...commands: readonly string[]): { skip?: string } {
  const found = needs('python3', ...commands);
  if (found.skip !== undefined || process.env['CI'] === 'true') return found;
  const { status } = spawnSync('python3', ['-c', `import ${module}`], { stdio: 'ignore' });
  return status === 0 ? {} : { skip: `not installed: python3-${module}` };
}

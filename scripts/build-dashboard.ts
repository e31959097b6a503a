/**
 * Builds the dashboard into `dashboard/dist`, unless what is there was made from the same sources.
 * A build that is interrupted leaves the one before in place.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dashboard = join(root, 'dashboard');
const built = join(dashboard, 'dist');

/** Smaller files gain nothing. */
const compressedFromBytes = 1024;

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Changes with every byte that goes into a build. */
async function digestOfSources(): Promise<string> {
  const single = ['package.json', 'vite.config.ts', 'index.html', 'portal.html'];
  const paths = [
    join(root, 'package-lock.json'),
    fileURLToPath(import.meta.url),
    ...single.map((name) => join(dashboard, name)).filter((path) => existsSync(path)),
    ...(await filesBelow(join(dashboard, 'src'))),
  ];
  const digest = createHash('sha256');
  for (const path of paths) {
    digest.update(`${relative(root, path)}\0`).update(await readFile(path));
  }
  return digest.digest('hex');
}

const asGzip = promisify(gzip);
const asBrotli = promisify(brotliCompress);

/** Leaves each text compressed beside itself, for the server to send. */
async function compress(folder: string): Promise<void> {
  const texts = (await filesBelow(folder)).filter((path) => /\.(?:js|css|html|svg)$/.test(path));
  await Promise.all(
    texts.map(async (path) => {
      const text = await readFile(path);
      if (text.length < compressedFromBytes) return;
      const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
      await writeFile(`${path}.br`, await asBrotli(text, { params }));
      await writeFile(`${path}.gz`, await asGzip(text, { level: 9 }));
    }),
  );
}

/** True when there was something to build. */
export async function buildDashboard(): Promise<boolean> {
  const digest = await digestOfSources();
  const stamp = await readFile(join(built, '.sources'), 'utf8').catch(() => '');
  if (stamp === digest) return false;
  process.stderr.write('Building the dashboard …\n');
  const { build } = await import('vite');
  const outDir = join(dashboard, `dist-${process.pid}`);
  try {
    await build({ root: dashboard, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
    await compress(outDir);
    await writeFile(join(outDir, '.sources'), digest);
    await rm(built, { recursive: true, force: true });
    await rename(outDir, built);
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const isNew = await buildDashboard();
  process.stdout.write(isNew ? `Built ${built}\n` : 'The dashboard is built already.\n');
}

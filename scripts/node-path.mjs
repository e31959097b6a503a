/**
 * The Node that comes with the packages, whatever this machine has. Plain JavaScript for any Node
 * from 20 on.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The path of the bundled Node 24. Ends the process with a clear sentence when it is missing. */
export function bundledNode() {
  const platform = `${process.platform}-${process.arch}`;
  const path = join(root, 'node_modules', `node-${platform}`, 'bin', 'node');
  if (existsSync(path)) return path;
  const advice = ['linux-x64', 'linux-arm64'].includes(platform)
    ? `run "npm install" in ${root} first`
    : 'Firn runs on linux-x64 and linux-arm64';
  process.stderr.write(`Firn: the bundled Node for ${platform} is not installed; ${advice}.\n`);
  return process.exit(1);
}

/** Runs `args` on the bundled Node in place of this process: same signals, same exit code. */
export function runOnBundledNode(args) {
  // Threads that seal blocks would each get heaps of their own from glibc and keep them: two for
  // the whole process cost no time and save some 60 MiB.
  // Calls that wait for the disk share one pool of threads: with Node's four, the flushes of four
  // volumes would hold up all others.
  // Young objects get 12 MiB at most in a thread instead of 48: 50 MiB less at the height of a
  // backup, and collecting them more often costs no more, as few live.
  // What V8 compiles and collects beside the program's own threads takes one thread less than there
  // are processors, instead of four: on two of them it held up what it was to make faster.
  // What was compiled is kept beside the packages, which halves the start; where nobody may write
  // there, Node does without.
  const cache = join(root, 'node_modules', '.cache', 'node');
  const pool = Math.min(4, Math.max(1, availableParallelism() - 1));
  const env = {
    MALLOC_ARENA_MAX: '2',
    UV_THREADPOOL_SIZE: '16',
    NODE_COMPILE_CACHE: cache,
    ...process.env,
    NODE_OPTIONS: `--max-semi-space-size=4 --v8-pool-size=${pool} ${process.env.NODE_OPTIONS ?? ''}`,
  };
  const child = spawn(bundledNode(), args, { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C in a terminal reaches the whole foreground group: the child has it already.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code;
    else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}

/** The one executable: `firn serve`, `firn volume …`, `firn backup …`. */
import { runCli } from '../src/cli/program.ts';

// A reader such as `head` may go before all is written: what it wanted, it has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await runCli(process.argv.slice(2), {
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  // Loaded when needed: the commands of a client start without the service's modules.
  serve: async (source) => {
    const { serve } = await import('../src/server/serve.ts');
    await serve(source);
  },
});

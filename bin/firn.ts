/** The one executable: `firn serve`, `firn volume …`, `firn backup …`. */
import { runCli } from '../src/cli/program.ts';

process.exitCode = await runCli(process.argv.slice(2), {
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  // Loaded when needed: the commands of a client start without the service's modules.
  serve: async (options) => {
    const { serve } = await import('../src/server/serve.ts');
    await serve(options);
  },
});

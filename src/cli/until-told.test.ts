import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const module = new URL('./until-told.ts', import.meta.url).href;
const script = `
  import { untilTold } from ${JSON.stringify(module)};
  setTimeout(() => console.log('waiting'), 50);
  await untilTold();
  console.log('told');
`;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`a process that has nothing else to do waits for ${signal}, and ends in order`, async () => {
    const words = ['--input-type=module-typescript', '--eval', script];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (text: Buffer) => {
      out += text.toString();
      if (out === 'waiting\n') child.kill(signal);
    });
    const [code] = await once(child, 'close');
    assert.deepEqual([code, out], [0, 'waiting\ntold\n']);
  });
}

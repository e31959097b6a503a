/** What the document tells receivers of webhooks to do, done with what a real Firn sends. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { cloudFromYaml } from '../src/client/cloud.ts';
import { Session } from '../src/client/session.ts';
import { startScene, volumeReady } from './firn.ts';
import { needs } from './peer.ts';
import { root } from './source-files.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

test(
  'the lines of Python tell what Firn sent from what it did not',
  needs('python3'),
  async (t) => {
    const markdown = await readFile(join(root, 'docs/operate/webhooks.md'), 'utf8');
    const lines = /```python\n([\s\S]*?)```/.exec(markdown)?.[1] ?? '';
    assert.match(lines, /def is_genuine/);
    const received = Promise.withResolvers<Received>();
    const receiver = createServer((request, response) => {
      const whole = buffer(request).finally(() => response.end());
      received.resolve(whole.then((body) => ({ headers: request.headers, body: String(body) })));
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    t.after(() => receiver.close());
    const scene = await startScene(t, ['--webhooks-allow-private']);
    const path = join(scene.dataFolder, 'clouds.yaml');
    const session = new Session(cloudFromYaml(await readFile(path, 'utf8'), path));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    const webhook = { url };
    const made = JSON.stringify(
      await session.call({ service: 'firn', method: 'POST', path: '/webhooks', body: { webhook } }),
    );
    const secret = /whsec_[^"]+/.exec(made)?.[0] ?? '';
    const id = await volumeReady(scene.client, await scene.client.volumes.create({ size: 1 }));
    await scene.client.snapshots.create({ volume_id: id, name: 'told' });
    const { headers, body } = await received.promise;
    const check = `${lines}
import json, sys
given = json.load(sys.stdin)
body = given["body"].encode()
ask = lambda body, secret, **more: is_genuine(secret, {**given["headers"], **more}, body)
print(ask(body, given["secret"]), ask(body + b" ", given["secret"]), ask(body, "whsec_AAAA"),
      ask(body, given["secret"], **{"webhook-timestamp": "1"}))
`;
    const input = JSON.stringify({ headers, body, secret });
    const said = spawnSync('python3', ['-c', check], { input, encoding: 'utf8' });
    assert.equal(said.stdout.trim(), 'True False False False', said.stderr);
    assert.match(body, /"type":"snapshot\.created"/);
  },
);

/** Metrics and alert rules, checked by Prometheus' own tool. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startScene } from '../firn.ts';
import { needs } from '../peer.ts';
import { root } from '../source-files.ts';

function promtool(args: readonly string[], input = ''): void {
  const said = spawnSync('promtool', args, { input, encoding: 'utf8' });
  assert.equal(said.status, 0, `${said.stdout}${said.stderr}`);
}

test('promtool finds nothing wrong', needs('promtool'), async (t) => {
  promtool(['check', 'rules', join(root, 'docs/operate/firn-alerts.yml')]);
  const scene = await startScene(t);
  const yaml = readFileSync(join(scene.dataFolder, 'clouds.yaml'), 'utf8');
  const url = /auth_url: "?(http:\/\/[^/"\s]+)/.exec(yaml)?.[1] ?? '';
  for (const path of ['healthz', 'readyz']) {
    assert.equal((await fetch(`${url}/${path}`)).status, 200, path);
  }
  const answer = await fetch(`${url}/metrics`);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
  const text = await answer.text();
  assert.match(text, /^firn_http_request_duration_seconds_bucket/m);
  promtool(['check', 'metrics'], text);
  for (const [path, status] of [
    ['healthz', 200],
    ['readyz', 200],
  ] as const) {
    assert.equal((await fetch(`${url}/${path}`)).status, status);
  }
});

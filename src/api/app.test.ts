import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import test from 'node:test';
import Type from 'typebox';
import type { FastifyInstance } from 'fastify';
import { OperatingError } from '../base/errors.ts';
import { buildApp } from './app.ts';
import { parseBody } from './body.ts';
import { createLog } from './log.ts';
import { negotiateMicroversion } from './microversion.ts';

function makeApp(register: (app: FastifyInstance) => void = () => undefined): {
  app: FastifyInstance;
  lines: string[];
} {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const app = buildApp({
    log: createLog({ level: 'info', destination }),
    publicUrl: 'http://firn.test',
    ready: async () => undefined,
    register: (app) => {
      app.post('/volume/echo', async (request) => request.body ?? null);
      register(app);
    },
  });
  return { app, lines };
}

const json = { 'content-type': 'application/json' };

test('every answer carries a request id, and it is in the log', async () => {
  const { app, lines } = makeApp();
  for (const url of ['/', '/healthz', '/nothing', '/volume/%zz', '/volume/v3/x']) {
    const answer = await app.inject({ url });
    const id = String(answer.headers['x-openstack-request-id']);
    assert.match(id, /^req-[0-9a-f-]{36}$/, url);
    if (!url.includes('%zz')) assert.ok(lines.some((line) => line.includes(id)), url);
  }
  await app.close();
});

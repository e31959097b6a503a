/** The HTTP faces over a fresh catalogue, for tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { systemClock } from '../base/clock.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { openSqliteCatalog } from '../catalog/sqlite.ts';
import { AuditTrail } from '../operation/audit/audit-trail.ts';
import { EmbeddedIdentity } from '../identity/embedded.ts';
import { ImageFiles } from '../operation/image/image-files.ts';
import { buildApp } from './app.ts';
import { sessionRoutes } from './firn-v1/session.ts';
import { password, seedDirectory } from './identity-v3/directory-fixture.ts';
import { identityV3 } from './identity-v3/routes.ts';
import { imageV2 } from './image-v2/routes.ts';
import { createLog } from './log.ts';

export interface Faces {
  readonly app: FastifyInstance;
  readonly catalog: Catalog;
  readonly trail: AuditTrail;
  readonly images: ImageFiles;
  /** All lines of the log, joined. */
  readonly log: () => string;
  /** A token for a person of the directory, scoped to their project. */
  readonly tokenOf: (name: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

export const publicUrl = 'http://firn.test';

export async function openFaces(): Promise<Faces> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-faces-'));
  const catalog = await openSqliteCatalog({ path: join(folder, 'catalogue.db') });
  await seedDirectory(catalog);
  const identity = new EmbeddedIdentity({ catalog, clock: systemClock });
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const images = new ImageFiles(join(folder, 'images'));
  await images.prepare();
  const options = { identity, catalog, clock: systemClock, publicUrl };
  const operations = { catalog, clock: systemClock, images };
  const trail = new AuditTrail({ catalog, clock: systemClock });
  const app = buildApp({
    log: createLog({ level: 'info', destination }),
    publicUrl,
    audit: trail,
    ready: async () => undefined,
    register: (app) => {
      app.register(identityV3, { ...options, prefix: '/identity' });
      app.register(imageV2, { ...options, operations, prefix: '/image' });
      app.register(sessionRoutes, { ...options, prefix: '/firn/v1/session' });
    },
  });
  const tokens = new Map<string, string>();
  return {
    app,
    catalog,
    trail,
    images,
    log: () => lines.join(''),
    tokenOf: async (name) => {
      const known = tokens.get(name);
      if (known !== undefined) return known;
      const user = { name, domain: { name: 'Default' } };
      const { token } = await identity.login({ method: 'password', user, password }, 'default');
      tokens.set(name, token);
      return token;
    },
    close: async () => {
      await app.close();
      await catalog.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The repository as `backup` hands it out. */
import type { Repositories } from '../../backup/repositories.ts';

export type Repository = Awaited<ReturnType<Repositories['open']>>;
export type Manifest = Awaited<ReturnType<Repository['readManifest']>>;

type Spaces = Awaited<ReturnType<Repository['space']>>;
export type BackupSpace = Spaces extends ReadonlyMap<string, infer Space> ? Space : never;

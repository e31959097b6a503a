/** Firn over HTTP: what the command line, the demo and the tests call. */
import { Type } from 'typebox';
import { isOperatingError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { readAnswer } from './answer.ts';
import { type AuditLine, auditLines } from './audit.ts';
import { Attachment, Backup, Restore, Snapshot, Volume } from './block-storage-schema.ts';
import type { Cloud } from './cloud.ts';
import { Collection } from './collection.ts';
import {
  Adopted,
  BackupProgress,
  Connection,
  FirnVolume,
  type Hydration,
  Job,
  PruneForecast,
  Repository,
  BackupExport,
  SnapshotExport,
  Usage,
} from './firn-schema.ts';
import { PlanClient } from './plans.ts';
import { Session } from './session.ts';
import type { ServiceName } from './session.ts';

export class Client {
  readonly volumes: Collection<typeof Volume>;
  readonly snapshots: Collection<typeof Snapshot>;
  readonly backups: Collection<typeof Backup>;
  readonly plans: PlanClient;
  readonly #session: Session;

  constructor(cloud: Cloud) {
    const session = new Session(cloud);
    this.#session = session;
    this.plans = new PlanClient(session);
    this.volumes = new Collection(session, { singular: 'volume', plural: 'volumes' }, Volume);
    this.snapshots = new Collection(
      session,
      { singular: 'snapshot', plural: 'snapshots' },
      Snapshot,
    );
    this.backups = new Collection(session, { singular: 'backup', plural: 'backups' }, Backup);
  }

  /** Lines of the audit trail, the newest first. */
  audit(filters: Readonly<Record<string, string>>): AsyncGenerator<AuditLine, void> {
    return auditLines(this.#session, filters);
  }

  /** Asks for a restore: into a volume that is there, or into a new one when none is given. */
  async restore(
    backupId: string,
    target: { volumeId: string } | { name: string | null; size?: number; instant?: boolean },
  ): Promise<{ volumeId: string }> {
    const wanted = 'volumeId' in target ? { volume_id: target.volumeId } : target;
    const path = `/backups/${encodeURIComponent(backupId)}/restore`;
    const body = await this.#call('firn', 'POST', path, wanted);
    const answer = readAnswer(Restore, isJsonObject(body) ? body['restore'] : undefined);
    return { volumeId: answer.volume_id };
  }

  /** Attaches a volume to `host` and says where its bytes are. */
  async attach(
    volumeId: string,
    options: { host: string; mode: 'rw' | 'ro' },
  ): Promise<Attachment> {
    const body = await this.#call('block-storage', 'POST', '/attachments', {
      attachment: {
        volume_uuid: volumeId,
        mode: options.mode,
        connector: { host: options.host, platform: process.arch, os_type: process.platform },
      },
    });
    const made = readAnswer(Attachment, isJsonObject(body) ? body['attachment'] : undefined);
    const path = `/attachments/${made.id}/action`;
    await this.#call('block-storage', 'POST', path, { 'os-complete': {} });
    return made;
  }

  async detach(attachmentId: string): Promise<void> {
    const path = `/attachments/${encodeURIComponent(attachmentId)}`;
    await this.#call('block-storage', 'DELETE', path);
  }

  /** Asks for a volume to become what its newest snapshot holds. */
  async revert(volumeId: string, snapshotId: string): Promise<void> {
    await this.#act(volumeId, { revert: { snapshot_id: snapshotId } });
  }

  /** Asks for a volume to grow, attached or not; `size` in GiB. */
  async extend(volumeId: string, size: number): Promise<void> {
    await this.#act(volumeId, { 'os-extend': { new_size: size } });
  }

  async #act(volumeId: string, action: object): Promise<void> {
    const path = `/volumes/${encodeURIComponent(volumeId)}/action`;
    await this.#call('block-storage', 'POST', path, action);
  }

  /** What a volume or a snapshot takes up on the service's host. */
  async usage(of: 'volumes' | 'snapshots', id: string): Promise<Usage> {
    const body = await this.#call('firn', 'GET', `/${of}/${encodeURIComponent(id)}/usage`);
    return readAnswer(Usage, isJsonObject(body) ? body['usage'] : undefined);
  }

  /** How far a volume is filled that shows a backup; null when all of it is there. */
  async hydration(volumeId: string): Promise<Hydration> {
    const body = await this.#call('firn', 'GET', `/volumes/${encodeURIComponent(volumeId)}`);
    return readAnswer(FirnVolume, isJsonObject(body) ? body['volume'] : undefined).hydration;
  }

  /** Who a volume is attached to, and uses it just now. */
  async connections(volumeId: string): Promise<Connection[]> {
    const path = `/volumes/${encodeURIComponent(volumeId)}/attachments`;
    const body = await this.#call('firn', 'GET', path);
    return readAnswer(Type.Array(Connection), isJsonObject(body) ? body['attachments'] : undefined);
  }

  /** Exports a snapshot, read-only, until `endExport`. */
  async exportSnapshot(snapshotId: string, host: string): Promise<SnapshotExport> {
    const body = await this.#call('firn', 'POST', exportsOf(snapshotId), { export: { host } });
    return readAnswer(SnapshotExport, isJsonObject(body) ? body['export'] : undefined);
  }

  async snapshotExports(snapshotId: string): Promise<SnapshotExport[]> {
    const body = await this.#call('firn', 'GET', exportsOf(snapshotId));
    const list = isJsonObject(body) ? body['exports'] : undefined;
    return readAnswer(Type.Array(SnapshotExport), list);
  }

  /** Ends an export of a snapshot; its readers are cut. */
  async endExport({ snapshot_id: snapshotId, id }: SnapshotExport): Promise<void> {
    await this.#call('firn', 'DELETE', `${exportsOf(snapshotId)}/${encodeURIComponent(id)}`);
  }

  /** Exports a backup, read-only, until `endBackupExport`. */
  async exportBackup(backupId: string, host: string): Promise<BackupExport> {
    const path = `/backups/${encodeURIComponent(backupId)}/exports`;
    const body = await this.#call('firn', 'POST', path, { export: { host } });
    return readAnswer(BackupExport, isJsonObject(body) ? body['export'] : undefined);
  }

  async backupExports(backupId: string): Promise<BackupExport[]> {
    const path = `/backups/${encodeURIComponent(backupId)}/exports`;
    const body = await this.#call('firn', 'GET', path);
    const list = isJsonObject(body) ? body['exports'] : undefined;
    return readAnswer(Type.Array(BackupExport), list);
  }

  /** Ends an export of a backup; its readers are cut. One that has ended is no error. */
  async endBackupExport({ backup_id: backupId, id }: BackupExport): Promise<void> {
    const path = `/backups/${encodeURIComponent(backupId)}/exports/${encodeURIComponent(id)}`;
    try {
      await this.#call('firn', 'DELETE', path);
    } catch (error) {
      if (!isOperatingError(error, 'not_found')) throw error;
    }
  }

  /** How far a backup is; also afterwards. */
  async backupProgress(backupId: string): Promise<BackupProgress> {
    const body = await this.#call('firn', 'GET', `/backups/${encodeURIComponent(backupId)}`);
    return readAnswer(BackupProgress, isJsonObject(body) ? body['backup'] : undefined);
  }

  /** The newest restore of a backup; undefined when there was none. */
  async restoreJob(backupId: string): Promise<Job | undefined> {
    const query = { subject_id: backupId, kind: 'backup.restore', limit: '1' };
    const path = '/jobs';
    const body = await this.#session.call({ service: 'firn', method: 'GET', path, query });
    return readAnswer(Type.Array(Job), isJsonObject(body) ? body['jobs'] : undefined)[0];
  }

  /** Asks for a backup to be verified; answers the job that does it. */
  async verify(backupId: string, depth: string): Promise<Job> {
    const path = `/backups/${encodeURIComponent(backupId)}/verify`;
    const body = await this.#call('firn', 'POST', path, { depth });
    return readAnswer(Job, isJsonObject(body) ? body['job'] : undefined);
  }

  /** Asks for a restore test; answers the job that does it. */
  async drill(backupId: string): Promise<Job> {
    const body = await this.#call('firn', 'POST', `/backups/${encodeURIComponent(backupId)}/drill`);
    return readAnswer(Job, isJsonObject(body) ? body['job'] : undefined);
  }

  /** A job of a backup as it is now; undefined when it is too long ago. */
  async backupJob(backupId: string, jobId: string): Promise<Job | undefined> {
    const query = { subject_id: backupId, limit: '100' };
    const body = await this.#session.call({ service: 'firn', method: 'GET', path: '/jobs', query });
    const jobs = readAnswer(Type.Array(Job), isJsonObject(body) ? body['jobs'] : undefined);
    return jobs.find(({ id }) => id === jobId);
  }

  async repositories(): Promise<Repository[]> {
    const body = await this.#call('firn', 'GET', '/repositories');
    const list = isJsonObject(body) ? body['repositories'] : undefined;
    return readAnswer(Type.Array(Repository), list);
  }

  /** Fills the catalogue from what the store holds: of one container, or of all. */
  async adopt(
    options: { container?: string; takeOver?: boolean; force?: boolean } = {},
  ): Promise<Adopted> {
    const { container = null, takeOver = false, force = false } = options;
    const body = { container, take_over: takeOver, ...(force ? { force } : {}) };
    return readAnswer(Adopted, await this.#call('firn', 'POST', '/repository/adopt', body));
  }

  /** What a prune of a container would give back. */
  async forecastPrune(container: string): Promise<PruneForecast> {
    const path = `/repositories/${encodeURIComponent(container)}/prune`;
    const body = await this.#call('firn', 'POST', path, { dry_run: true });
    return readAnswer(PruneForecast, isJsonObject(body) ? body['prune'] : undefined);
  }

  /** Begins to give back what no backup in a container refers to. */
  async prune(container: string): Promise<void> {
    await this.#call('firn', 'POST', `/repositories/${encodeURIComponent(container)}/prune`, {});
  }

  /** The newest prune of a container; undefined when there was none. */
  async pruneJob(container: string): Promise<Job | undefined> {
    const query = { subject_id: container, kind: 'repository.prune', limit: '1' };
    const path = '/jobs';
    const body = await this.#session.call({ service: 'firn', method: 'GET', path, query });
    return readAnswer(Type.Array(Job), isJsonObject(body) ? body['jobs'] : undefined)[0];
  }

  #call(
    service: ServiceName,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<unknown> {
    return this.#session.call({ service, method, path, body });
  }
}

function exportsOf(snapshotId: string): string {
  return `/snapshots/${encodeURIComponent(snapshotId)}/exports`;
}

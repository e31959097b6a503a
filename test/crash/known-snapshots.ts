/** The snapshots that were asked for, and what each may hold. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../demo/random.ts';
import { must } from '../../src/base/assert.ts';
import { connectNbd } from '../../src/client/nbd.ts';
import { type BlockStorage, idOf } from '../block-storage.ts';
import type { Scene } from '../firn.ts';
import { readPlaces } from './guest-writer.ts';
import type { Mark, SectorHistory, Span } from './sector-history.ts';

interface Subject {
  readonly id: string;
  readonly history: SectorHistory;
}

/** One snapshot of a volume, alone or of a group. */
interface Part {
  readonly volumeId: string;
  readonly flushed: Mark;
  /** At least what was acknowledged before it was asked for; after a crash, what was flushed. */
  least: Mark;
  /** Undefined as long as it may not have been taken yet. */
  most: Mark | undefined;
  /** What it was found to hold: that, for ever. */
  content: Buffer | undefined;
}

interface Known {
  readonly name: string;
  readonly isGroup: boolean;
  readonly parts: readonly Part[];
  /** Undefined until the server has said it. */
  id: string | undefined;
  state: 'asked' | 'acknowledged' | 'deletion asked' | 'deleted';
}

const listOf = { true: 'group_snapshots', false: 'snapshots' } as const;

export class KnownSnapshots {
  readonly #storage: () => BlockStorage;
  #known: Known[] = [];
  #count = 0;

  constructor(storage: () => BlockStorage) {
    this.#storage = storage;
  }

  async take(subjects: readonly [Subject], options: { wait: boolean }): Promise<void> {
    const [{ id }] = subjects;
    const known = this.#ask(subjects, false);
    const snapshot = { volume_id: id, name: known.name, force: true };
    known.id = idOf(await this.#storage().post('/snapshots', { snapshot }));
    await this.#acknowledged(known, subjects, options);
  }

  async takeGroup(
    groupId: string,
    subjects: readonly Subject[],
    options: { wait: boolean },
  ): Promise<void> {
    const known = this.#ask(subjects, true);
    const fields = { group_id: groupId, name: known.name };
    const made = await this.#storage().post('/group_snapshots', { group_snapshot: fields });
    known.id = idOf(made);
    await this.#acknowledged(known, subjects, options);
  }

  /** Asks for the deletion of one that is available, whichever; false when there is none. */
  async deleteOne(random: Random): Promise<boolean> {
    const ready = this.#known.filter(
      ({ state, parts }) => state === 'acknowledged' && parts[0]?.most !== undefined,
    );
    const known = ready[Math.floor(random() * ready.length)];
    if (known === undefined) {
      await sleep(5);
      return false;
    }
    known.state = 'deletion asked';
    const path = `/${listOf[`${known.isGroup}`]}/${known.id}`;
    await this.#storage().remove(path);
    known.state = 'deleted';
    return true;
  }

  /** A volume went back to what was flushed, or later; `issued` is what it held at most. */
  crashed(volumeId: string, issued: Mark): void {
    for (const { parts } of this.#known) {
      for (const part of parts) {
        if (part.volumeId !== volumeId || part.most !== undefined) continue;
        part.least = part.flushed;
        part.most = issued;
      }
    }
  }

  /**
   * Compares all snapshots with what they may hold and with what they held before. Returns what the
   * parts of each group snapshot hold.
   */
  async identify(scene: Scene, subjects: readonly Subject[]): Promise<Mark[][]> {
    const storage = this.#storage();
    const singles = await storage.list('snapshots');
    const listed = [...(await storage.list('group_snapshots')), ...singles];
    const groups: Mark[][] = [];
    for (const known of this.#known) {
      const { state, name, isGroup } = known;
      const found = listed.find((each) =>
        known.id === undefined ? each['name'] === name : each['id'] === known.id,
      );
      assert.ok(found === undefined || state !== 'deleted', `${name} was deleted`);
      assert.ok(found !== undefined || state !== 'acknowledged', `${name} was acknowledged`);
      known.state = found === undefined ? 'deleted' : 'acknowledged';
      if (found === undefined) continue;
      known.id = idOf(found);
      const marks: Mark[] = [];
      for (const [index, part] of known.parts.entries()) {
        const own = singles.find(
          (each) =>
            each['volume_id'] === part.volumeId &&
            each[isGroup ? 'group_snapshot_id' : 'id'] === known.id,
        );
        const { history } = must(
          subjects.find(({ id }) => id === part.volumeId),
          'the volume',
        );
        const id = idOf(must(own, `part ${index} of ${name}`));
        marks.push(await this.#identifyPart(scene, id, { part, history, name }));
      }
      if (isGroup) groups.push(marks);
    }
    this.#known = this.#known.filter(({ state }) => state === 'acknowledged');
    return groups;
  }

  async #identifyPart(
    scene: Scene,
    snapshotId: string,
    { part, history, name }: { part: Part; history: SectorHistory; name: string },
  ): Promise<Mark> {
    const exported = await scene.client.exportSnapshot(snapshotId, 'reader');
    const connection = await connectNbd({ uri: must(exported.unix_uri, 'its address') });
    const content = await readPlaces(connection);
    await connection.disconnect();
    await scene.client.endExport(exported);
    assert.ok(part.content?.equals(content) !== false, `${name} is what it was`);
    part.content = content;
    const span: Span = { least: part.least, most: must(part.most, 'its end') };
    return history.identify(content, span, `${name} of ${part.volumeId}`);
  }

  #ask(subjects: readonly Subject[], isGroup: boolean): Known {
    this.#count += 1;
    const parts = subjects.map(({ id, history }) => ({
      volumeId: id,
      flushed: history.flushed.slice(),
      least: history.acknowledged.slice(),
      most: undefined,
      content: undefined,
    }));
    const known: Known = {
      name: `snapshot-${this.#count}`,
      isGroup,
      parts,
      id: undefined,
      state: 'asked',
    };
    this.#known.push(known);
    return known;
  }

  async #acknowledged(
    known: Known,
    subjects: readonly Subject[],
    { wait }: { wait: boolean },
  ): Promise<void> {
    known.state = 'acknowledged';
    if (!wait) return;
    const path = `/${listOf[`${known.isGroup}`]}/${known.id}`;
    assert.equal(await this.#storage().settled(path), 'available');
    for (const part of known.parts) {
      const subject = subjects.find(({ id }) => id === part.volumeId);
      part.most = must(subject, 'the volume').history.issued.slice();
    }
  }
}

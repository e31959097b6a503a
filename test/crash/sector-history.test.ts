/** The record of what a disk may hold notices each kind of wrong sector. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { places, sectorBytes, SectorHistory } from './sector-history.ts';

function spanOf(history: SectorHistory) {
  return { least: history.flushed, most: history.issued };
}

/** A history of three versions of each place, of which the second is flushed; and their bytes. */
function threeVersions(): { history: SectorHistory; contents: Buffer[] } {
  const history = new SectorHistory(7);
  const contents = [1, 2, 3].map((version) => {
    history.begin(0, places, false);
    history.acknowledge(0, places, { isDurable: version === 2 });
    return history.content(0, places);
  });
  return { history, contents };
}

test('a flushed version and every later one are right, sector by sector', () => {
  const { history, contents } = threeVersions();
  const [, second = Buffer.alloc(0), third = Buffer.alloc(0)] = contents;
  const mixed = Buffer.from(second);
  third.copy(mixed, sectorBytes, sectorBytes, 2 * sectorBytes);
  const found = history.identify(mixed, spanOf(history), 'the disk');
  assert.deepEqual([...found.subarray(0, 3)], [2, 3, 2]);
});

test('an old, a torn, an empty and a misplaced sector are wrong', () => {
  const { history, contents } = threeVersions();
  const [first = Buffer.alloc(0), second = Buffer.alloc(0), third = Buffer.alloc(0)] = contents;
  const wrong = (spoil: (content: Buffer) => unknown): void => {
    const content = Buffer.from(second);
    spoil(content);
    assert.throws(() => history.identify(content, spanOf(history), 'the disk'), /may hold version/);
  };
  wrong((content) => first.copy(content, 0, 0, sectorBytes));
  wrong((content) => third.copy(content, 512, 512, 1024));
  wrong((content) => content.fill(0, 0, sectorBytes));
  wrong((content) => second.copy(content, 0, sectorBytes, 2 * sectorBytes));
});

test('what a crash went back behind never comes again', () => {
  const { history, contents } = threeVersions();
  const [, second = Buffer.alloc(0), third = Buffer.alloc(0)] = contents;
  history.rebase(history.identify(second, spanOf(history), 'the disk'));
  history.begin(0, places, true);
  history.identify(second, spanOf(history), 'the disk');
  history.identify(Buffer.alloc(places * sectorBytes), spanOf(history), 'the disk');
  assert.throws(() => history.identify(third, spanOf(history), 'the disk'), /3 lost/);
});

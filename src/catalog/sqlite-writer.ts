/** Writes to a catalogue until it is killed: for the test of what a kill leaves. */
import { newId } from '../base/ids.ts';
import { must } from '../base/assert.ts';
import { sampleVolume } from './sample-rows.ts';
import { openSqliteCatalog } from './sqlite.ts';

const path = must(process.argv[2], 'the path of the catalogue');
const catalog = await openSqliteCatalog({ path });
for (;;) {
  const projectId = newId();
  await catalog.transact(async (transaction) => {
    await transaction.insert('volumes', sampleVolume({ id: newId(), projectId }));
    await new Promise(setImmediate);
    await transaction.insert('volumes', sampleVolume({ id: newId(), projectId }));
  });
  process.stdout.write(`${projectId}\n`);
}

import { FilePool } from '../layer/file-pool.ts';
import { checkLayerFiles } from './check-layer.ts';
import { checkRecords } from './check-records.ts';
import type { Finding, FindingCode } from './finding.ts';
import { recordOf, takeInventory } from './inventory.ts';
import { checkLogs, findLeftByKill } from './left-by-kill.ts';
import { OpenMaps } from './open-maps.ts';
import { readOnlyFiles } from './read-only-files.ts';
import { References } from './references.ts';

/** What a check found, worst first, and how much it looked at. */
export interface CheckReport {
  readonly volumes: number;
  readonly snapshots: number;
  readonly layers: number;
  readonly findings: readonly Finding[];
}

/** What is only found where Firn was killed, or runs. */
const ofKill: ReadonlySet<FindingCode> = new Set(['unflushed-marks', 'newer-head']);

const order = { damage: 0, leftover: 1, note: 2 } as const;

/**
 * Looks for faults in a folder of volumes, and changes nothing. Reads records and maps, and with
 * `onDataRead` all data too. Rejects only when the folder cannot be read at all.
 */
export async function checkFolder(
  folder: string,
  options: { onDataRead?: ((bytes: number) => void) | undefined } = {},
): Promise<CheckReport> {
  const inventory = await takeInventory(folder);
  const references = new References(inventory);
  const pool = new FilePool(readOnlyFiles);
  const maps = new OpenMaps(inventory, pool);
  const left = await findLeftByKill(inventory, references);
  const findings = [
    ...checkRecords(inventory, references, left),
    ...checkLogs(inventory, references, left),
  ];
  const check = { inventory, references, maps, pool, onDataRead: options.onDataRead };
  for (const entry of inventory.layers.values()) {
    const record = recordOf(entry);
    if (record === undefined) continue;
    for await (const finding of checkLayerFiles(check, entry, record)) findings.push(finding);
  }
  await maps.close();
  findings.sort((a, b) => order[a.severity] - order[b.severity]);
  return {
    volumes: inventory.volumes.size,
    snapshots: references.names.filter((name) => name.snapshotId !== null).length,
    layers: inventory.layers.size,
    findings,
  };
}

/**
 * Like `checkFolder`, for a folder that a running Firn changes meanwhile: what is only seen once
 * was on its way, and is no fault; nor is it that its unflushed changes are only in logs.
 */
export async function checkFolderInUse(
  ...args: Parameters<typeof checkFolder>
): Promise<CheckReport> {
  const first = await checkFolder(...args);
  if (first.findings.length === 0) return first;
  const seen = new Set(first.findings.map(keyOf));
  const second = await checkFolder(...args);
  const findings = second.findings.filter(
    (finding) => seen.has(keyOf(finding)) && !ofKill.has(finding.code),
  );
  return { ...second, findings };
}

function keyOf({ code, path }: Finding): string {
  return `${code} ${path}`;
}

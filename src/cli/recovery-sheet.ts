import { encodeRecoveryCode } from '../repository/recovery-code.ts';

/** A text to print and to put into a safe. */
export function recoverySheet(facts: {
  key: Uint8Array;
  storeUrl: string;
  /** The repositories that the key was tried on. */
  opens: readonly string[];
  /** Milliseconds since 1970-01-01 UTC. */
  now: number;
}): string {
  const { key, storeUrl, opens, now } = facts;
  const repositories = opens.length === 0 ? ['none yet'] : opens;
  return `FIRN RECOVERY SHEET, ${new Date(now).toISOString().slice(0, 10)}

Whoever has this key and can reach the store can read every backup in it.
Without this key nobody can: keep the sheet away from the machine.

Opens   ${storeUrl}
${repositories.map((line) => `          ${line}\n`).join('')}
Key
${encodeRecoveryCode(key)
  .map((line) => `          ${line}\n`)
  .join('')}
The letters are A to Z, the digits 2 to 7 (so it is the letter O, never the
digit 0). Each line has a checksum of its own: a wrong letter is told at once.

To read the backups again, on any machine with Firn:

  1. Type the four lines of the key into a file, say sheet.txt.
  2. firn repository key import sheet.txt --key-file firn.key
  3. firn serve --store ${storeUrl} --key-file firn.key
  4. firn repository adopt
`;
}

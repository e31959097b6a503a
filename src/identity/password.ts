/**
 * Passwords at rest: scrypt (RFC 7914) in PHC string form, `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`
 * with unpadded base64. Each hash carries its own cost, so that the cost of new ones may be raised
 * at any time.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { assert, must } from '../base/assert.ts';

interface Cost {
  /** Binary logarithm of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about 0.1 s of one core: the usual cost for logins of people. */
const cost: Cost = { ln: 15, r: 8, p: 1 };

const saltLengthBytes = 16;
const hashLengthBytes = 32;
const phcPattern = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Stands in place of a hash where no password is right. */
export const noPassword = '';

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltLengthBytes);
  return phc(cost, salt, await derive(password, salt, hashLengthBytes, cost));
}

/** True when `password` is the one of `passwordHash`; compared in constant time. */
export async function verifyPassword(password: string, passwordHash: string): Promise<boolean> {
  if (passwordHash === noPassword) {
    await verifyNothing(password);
    return false;
  }
  const match = must(phcPattern.exec(passwordHash), 'a stored hash in PHC form');
  const [ln = '', r = '', p = '', salt = '', hash = ''] = match.slice(1);
  const expected = Buffer.from(hash, 'base64');
  const found = await derive(password, Buffer.from(salt, 'base64'), expected.length, {
    ln: Number(ln),
    r: Number(r),
    p: Number(p),
  });
  return timingSafeEqual(found, expected);
}

/** Takes as long as `verifyPassword` does, for when there is no user to verify against. */
export async function verifyNothing(password: string): Promise<void> {
  await derive(password, Buffer.alloc(saltLengthBytes), hashLengthBytes, cost);
}

function phc({ ln, r, p }: Cost, salt: Buffer, hash: Buffer): string {
  const [saltText, hashText] = [salt, hash].map((bytes) =>
    bytes.toString('base64').replaceAll('=', ''),
  );
  return `$scrypt$ln=${ln},r=${r},p=${p}$${saltText}$${hashText}`;
}

function derive(
  password: string,
  salt: Buffer,
  length: number,
  { ln, r, p }: Cost,
): Promise<Buffer> {
  assert(length > 0, 'a hash has bytes');
  const N = 2 ** ln;
  // scrypt needs 128·N·r bytes and a little more.
  const options = { N, r, p, maxmem: 256 * N * r };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, length, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

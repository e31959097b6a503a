import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { hashPassword, verifyPassword } from './password.ts';

describe('a password at rest', () => {
  it('is verified, and is another text each time', async () => {
    const [one, other] = await Promise.all([hashPassword('sécret'), hashPassword('sécret')]);
    assert.notEqual(one, other);
    assert.match(one, /^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.equal(await verifyPassword('sécret', one), true);
    assert.equal(await verifyPassword('se\u0301cret', one), true, 'however it is composed');
    for (const wrong of ['secret', 'sécret ', '']) {
      assert.equal(await verifyPassword(wrong, one), false);
    }
  });

  it('is verified at the cost that its hash says', async () => {
    const salt = Buffer.from('sixteen bytes...');
    const hash = scryptSync('old', salt, 32, { N: 1024, r: 4, p: 2 });
    const base64 = [salt, hash].map((bytes) => bytes.toString('base64').replaceAll('=', ''));
    const phc = `$scrypt$ln=10,r=4,p=2$${base64.join('$')}`;
    assert.equal(await verifyPassword('old', phc), true);
    assert.equal(await verifyPassword('new', phc), false);
  });
});

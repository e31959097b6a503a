import { readFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { fromSystemError, OperatingError } from '../base/errors.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { EmbeddedIdentity } from '../identity/embedded.ts';
import type { Identity } from '../identity/identity.ts';
import { KeystoneIdentity } from '../identity/keystone.ts';
import type { Settings } from './config-options.ts';

/** Identity v3 of the Keystone that says who is who, or undefined: Firn's own does. */
export function keystoneUrl({ identityMode, keystoneUrl: url }: Settings): string | undefined {
  if (identityMode === 'embedded') return undefined;
  if (url === undefined) throw missing('--identity-keystone-url', 'Identity v3 of the Keystone');
  return url;
}

/** The identity that the settings ask for. */
export async function openIdentity(
  settings: Settings,
  parts: { catalog: Catalog; clock: Clock },
): Promise<Identity> {
  const url = keystoneUrl(settings);
  if (url === undefined) return new EmbeddedIdentity(parts);
  const { keystoneUser, keystoneProject, keystoneDomain, keystonePasswordFile: path } = settings;
  if (path === undefined) {
    throw missing('--identity-keystone-password-file', 'the file with the password of the user');
  }
  const domain = { name: keystoneDomain };
  const password = await readPassword(path);
  return new KeystoneIdentity({
    url,
    clock: parts.clock,
    service: {
      how: { method: 'password', user: { name: keystoneUser, domain }, password },
      scope: { project: { name: keystoneProject, domain } },
    },
    believedMs: settings.keystoneBelieved * 1000,
  });
}

async function readPassword(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fromSystemError(error, `--identity-keystone-password-file ${path} cannot be read`);
  });
  return text.replace(/\r?\n$/, '');
}

function missing(flag: string, what: string): OperatingError {
  const message = `--identity-mode keystone needs ${flag}: ${what}`;
  return new OperatingError('invalid_input', message, { field: flag });
}

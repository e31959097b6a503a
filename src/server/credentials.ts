import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { writeDurably } from '../base/durable-file.ts';
import { errnoOf, fromSystemError } from '../base/errors.ts';
import { newSecret } from '../base/ids.ts';
import { isJsonObject, type JsonValue } from '../base/json.ts';

/**
 * The administrator's own files, which the `openstack` client reads: `clouds.yaml` and `openrc`.
 */
export interface Credentials {
  readonly password: string;
  readonly cloudsPath: string;
  readonly openrcPath: string;
  /** False when the password was there from an earlier start. */
  readonly made: boolean;
}

export const cloudName = 'firn';
export const adminName = 'admin';
export const regionName = 'RegionOne';

/**
 * Writes both files (mode 0600) for the address at which Firn is reached now. The password is the
 * one that `clouds.yaml` already holds, or a new random one.
 */
export async function writeCredentials(folder: string, authUrl: string): Promise<Credentials> {
  const cloudsPath = join(folder, 'clouds.yaml');
  const openrcPath = join(folder, 'openrc');
  const kept = await keptPassword(cloudsPath);
  const password = kept ?? newSecret(18);
  await writeDurably(cloudsPath, cloudsYaml(authUrl, password), { mode: 0o600 });
  await writeDurably(openrcPath, openrc(authUrl, password), { mode: 0o600 });
  return { password, cloudsPath, openrcPath, made: kept === undefined };
}

/** True after the first start. */
export async function hasCredentials(folder: string): Promise<boolean> {
  return (await keptPassword(join(folder, 'clouds.yaml'))) !== undefined;
}

async function keptPassword(cloudsPath: string): Promise<string | undefined> {
  const text = await readFile(cloudsPath, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `${cloudsPath} cannot be read`);
  });
  if (text === undefined) return undefined;
  const path = ['clouds', cloudName, 'auth', 'password'];
  let value: unknown = parse(text) as JsonValue;
  for (const key of path) value = isJsonObject(value) ? value[key] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function cloudsYaml(authUrl: string, password: string): string {
  const auth = {
    auth_url: authUrl,
    username: adminName,
    password,
    project_name: adminName,
    user_domain_name: 'Default',
    project_domain_name: 'Default',
  };
  const cloud = {
    auth,
    region_name: regionName,
    identity_api_version: '3',
    volume_api_version: '3',
  };
  return stringify({ clouds: { [cloudName]: cloud } });
}

/**
 * The variables that every OpenStack client reads; the password has no character that a shell
 * minds.
 */
function openrc(authUrl: string, password: string): string {
  const variables = {
    OS_AUTH_TYPE: 'password',
    OS_AUTH_URL: authUrl,
    OS_USERNAME: adminName,
    OS_PASSWORD: password,
    OS_PROJECT_NAME: adminName,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: regionName,
    OS_IDENTITY_API_VERSION: '3',
    OS_VOLUME_API_VERSION: '3',
  };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
  return `unset OS_CLOUD OS_TOKEN\n${lines.join('\n')}\n`;
}

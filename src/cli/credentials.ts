/** Finds out which cloud a command is for, and as whom. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { OperatingError, errnoOf, fromSystemError } from '../base/errors.ts';
import { cloudFromEnvironment, cloudFromYaml } from '../client/cloud.ts';
import type { Cloud } from '../client/cloud.ts';
import type { Environment } from './context.ts';

/** Where `firn serve` keeps its data when nothing is said. */
const dataFolderDefault = 'firn-data';

/** Trusts, from now on, also the authority in `OS_CACERT` or that the cloud names. */
export async function trustAuthority(cloud: Cloud, environment: Environment): Promise<void> {
  const given = environment['OS_CACERT'] ?? '';
  const path = given === '' ? cloud.authorityFile : given;
  if (path === undefined) return;
  const text = await readIfThere(path);
  if (text === undefined) {
    throw new OperatingError('not_found', `OS_CACERT or cacert names ${path}, which is not there`);
  }
  setDefaultCACertificates([...getCACertificates('default'), text]);
}

/**
 * In this order: `--data DIR`, `OS_CLOUD` in a `clouds.yaml` of the usual places, `OS_AUTH_URL` and
 * its companions, `FIRN_DATA`, and `firn-data` in the current folder.
 */
export async function findCloud(
  data: string | undefined,
  environment: Environment,
): Promise<Cloud> {
  if (data !== undefined) return await cloudInFolder(data);
  const name = environment['OS_CLOUD'] ?? '';
  if (name !== '') return await cloudNamed(name, environment);
  const cloud = cloudFromEnvironment(environment);
  if (cloud !== undefined) return cloud;
  const folder = environment['FIRN_DATA'] ?? '';
  if (folder !== '') return await cloudInFolder(folder);
  const path = join(dataFolderDefault, 'clouds.yaml');
  const text = await readIfThere(path);
  if (text !== undefined) return cloudFromYaml(text, path);
  throw new OperatingError(
    'invalid_input',
    'no credentials: give --data DIR (the folder of a Firn on this machine), source its openrc, ' +
      'or set OS_CLOUD',
  );
}

async function cloudInFolder(folder: string): Promise<Cloud> {
  const path = join(folder, 'clouds.yaml');
  const text = await readIfThere(path);
  if (text === undefined) {
    throw new OperatingError(
      'not_found',
      `${path} is not there; Firn writes it at its first start with this data folder`,
    );
  }
  return cloudFromYaml(text, path);
}

async function cloudNamed(name: string, environment: Environment): Promise<Cloud> {
  const given = environment['OS_CLIENT_CONFIG_FILE'] ?? '';
  const paths =
    given === ''
      ? [
          'clouds.yaml',
          join(environment['HOME'] ?? homedir(), '.config/openstack/clouds.yaml'),
          '/etc/openstack/clouds.yaml',
        ]
      : [given];
  for (const path of paths) {
    const text = await readIfThere(path);
    if (text !== undefined) return cloudFromYaml(text, path, name);
  }
  throw new OperatingError(
    'not_found',
    `OS_CLOUD is ${name}, and there is no clouds.yaml: looked for ${paths.join(', ')}`,
  );
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `${path} cannot be read`);
  }
}

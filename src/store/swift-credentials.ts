/**
 * Who Firn is at a Swift, from where every OpenStack client reads it: `OS_*` variables, a cloud of
 * `clouds.yaml`, or `ST_*` variables for Swift's own login (docs.openstack.org, "Configuring
 * OpenStack SDK applications"; python-swiftclient, "CLI").
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { errnoOf, messageOf, OperatingError } from '../base/errors.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';

export type SwiftCredentials = KeystoneCredentials | V1Credentials;

export interface V1Credentials {
  readonly version: 1;
  readonly authUrl: string;
  readonly user: string;
  readonly key: string;
}

export interface KeystoneCredentials {
  readonly version: 3;
  /** Ends in `/v3`. */
  readonly authUrl: string;
  /** The body of `POST /auth/tokens`. */
  readonly login: JsonObject;
  readonly region: string | undefined;
  readonly interface: string;
}

type Settings = ReadonlyMap<string, string>;

/** Reads them anew each time, so that changed ones count without a restart. */
export async function readSwiftCredentials(
  cloud: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<SwiftCredentials> {
  if (cloud !== undefined) return keystone(await settingsOfCloud(cloud, environment));
  // Swift's own come first, as for its own client: nobody but Swift reads them, and a shell that
  // talks to Firn has the others for Firn.
  const st = startingWith(environment, 'ST_');
  const [authUrl, user, key] = [st.get('auth'), st.get('user'), st.get('key')];
  if (authUrl !== undefined && user !== undefined && key !== undefined) {
    return { version: 1, authUrl, user, key };
  }
  const os = startingWith(environment, 'OS_');
  if (os.has('auth_url')) return keystone(os);
  throw missing(
    'there are no credentials for Swift: set OS_AUTH_URL and its companions (or ST_AUTH, ST_USER ' +
      'and ST_KEY), or name a cloud of clouds.yaml with cloud=NAME in the URL',
  );
}

function startingWith(environment: NodeJS.ProcessEnv, prefix: string): Settings {
  const settings = new Map<string, string>();
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || value === undefined || value === '') continue;
    settings.set(name.slice(prefix.length).toLowerCase(), value);
  }
  return settings;
}

async function settingsOfCloud(name: string, environment: NodeJS.ProcessEnv): Promise<Settings> {
  const named = environment['OS_CLIENT_CONFIG_FILE'];
  const places =
    named === undefined
      ? [
          'clouds.yaml',
          join(homedir(), '.config/openstack/clouds.yaml'),
          '/etc/openstack/clouds.yaml',
        ]
      : [named];
  for (const path of places) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw missing(`${path} cannot be read: ${messageOf(error)}`);
    });
    if (text !== undefined) return cloudOf(text, path, name);
  }
  throw missing(`there is no ${places.join(', no ')}: where is the cloud ${name}?`);
}

function cloudOf(text: string, path: string, name: string): Settings {
  let root: unknown;
  try {
    root = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw missing(`${path} is not YAML: ${messageOf(error)}`);
  }
  const clouds = isJsonObject(root) ? root['clouds'] : undefined;
  const cloud = isJsonObject(clouds) ? clouds[name] : undefined;
  if (!isJsonObject(cloud)) throw missing(`${path} has no cloud ${name}`);
  const auth = isJsonObject(cloud['auth']) ? cloud['auth'] : {};
  const settings = new Map<string, string>();
  for (const [key, value] of Object.entries({ ...cloud, ...auth })) {
    if (typeof value === 'string' || typeof value === 'number') settings.set(key, String(value));
  }
  return settings;
}

function keystone(settings: Settings): KeystoneCredentials {
  const url = required(settings, 'auth_url').replace(/\/+$/, '');
  const id = settings.get('application_credential_id');
  const identity: JsonObject =
    id === undefined && !settings.has('application_credential_name')
      ? passwordIdentity(settings)
      : applicationCredential(settings, id);
  const project = named(settings, 'project');
  const scoped = project !== undefined && !('application_credential' in identity);
  return {
    version: 3,
    authUrl: url.endsWith('/v3') ? url : `${url}/v3`,
    login: { auth: { identity, ...(scoped ? { scope: { project } } : {}) } },
    region: settings.get('region_name'),
    interface: (settings.get('interface') ?? 'public').replace(/URL$/, ''),
  };
}

function passwordIdentity(settings: Settings): JsonObject {
  const user = named(settings, 'user', 'username');
  if (user === undefined) throw missing('the credentials for Swift name no user: OS_USERNAME');
  const password = required(settings, 'password');
  return { methods: ['password'], password: { user: { ...user, password } } };
}

function applicationCredential(settings: Settings, id: string | undefined): JsonObject {
  const secret = required(settings, 'application_credential_secret');
  const user = named(settings, 'user', 'username');
  const name = settings.get('application_credential_name');
  const which: JsonObject = id !== undefined ? { id } : { name: name ?? '', user: user ?? {} };
  return {
    methods: ['application_credential'],
    application_credential: { ...which, secret },
  };
}

/** `{ id }`, or `{ name, domain }`; undefined when neither is set. */
function named(settings: Settings, what: string, nameKey = `${what}_name`): JsonObject | undefined {
  const id = settings.get(`${what}_id`);
  if (id !== undefined) return { id };
  const name = settings.get(nameKey);
  if (name === undefined) return undefined;
  const domainId = settings.get(`${what}_domain_id`) ?? settings.get('default_domain');
  const domainName = settings.get(`${what}_domain_name`);
  if (domainName !== undefined) return { name, domain: { name: domainName } };
  return { name, domain: { id: domainId ?? 'default' } };
}

function required(settings: Settings, name: string): string {
  const value = settings.get(name);
  if (value !== undefined) return value;
  throw missing(`the credentials for Swift lack ${name} (OS_${name.toUpperCase()})`);
}

function missing(message: string): OperatingError {
  return new OperatingError('denied', message);
}

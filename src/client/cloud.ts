/**
 * Where a cloud is and who asks: from `OS_*` variables or a `clouds.yaml`, as every OpenStack
 * client reads them (docs.openstack.org, openstacksdk "Configuration").
 */
import { parse } from 'yaml';
import { OperatingError, messageOf } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import type { JsonObject } from '../base/json.ts';

export interface Cloud {
  /** Of Identity v3; ends in `/v3`. */
  readonly authUrl: string;
  readonly user: Named;
  readonly password: string;
  readonly project: Named;
  /** A file with certificates of authorities (PEM) that are trusted besides the usual ones. */
  readonly authorityFile?: string;
}

/** Named by id, or by name within a domain. */
export type Named =
  | { readonly id: string }
  | { readonly name: string; readonly domain: { readonly id: string } | { readonly name: string } };

type Settings = Readonly<Record<string, string | undefined>>;

/** The cloud that `OS_AUTH_URL` and its companions name; undefined without `OS_AUTH_URL`. */
export function cloudFromEnvironment(environment: Settings): Cloud | undefined {
  if ((environment['OS_AUTH_URL'] ?? '') === '') return undefined;
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (name.startsWith('OS_') && value !== undefined && value !== '') {
      settings[name.slice(3).toLowerCase()] = value;
    }
  }
  return cloudFrom(settings, (name) => `OS_${name.toUpperCase()}`);
}

/** The cloud `name` of a `clouds.yaml`; the only one when no name is given. */
export function cloudFromYaml(text: string, path: string, name?: string): Cloud {
  const clouds = readClouds(text, path);
  const names = Object.keys(clouds);
  const chosen = name ?? (names.length === 1 ? names[0] : undefined);
  const cloud = chosen === undefined ? undefined : clouds[chosen];
  if (chosen === undefined || !isJsonObject(cloud)) {
    const known = `it has ${names.join(', ') || 'none'}`;
    throw invalid(
      name === undefined
        ? `${path} has more than one cloud; choose one with OS_CLOUD: ${known}`
        : `${path} has no cloud ${name}; ${known}`,
    );
  }
  const settings = texts({ ...cloud, ...(isJsonObject(cloud['auth']) ? cloud['auth'] : {}) });
  return cloudFrom(settings, (setting) => `${setting} of cloud ${chosen} in ${path}`);
}

function readClouds(text: string, path: string): JsonObject {
  let root: unknown;
  try {
    root = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw invalid(`${path} is not YAML: ${messageOf(error)}`);
  }
  const clouds = isJsonObject(root) ? root['clouds'] : undefined;
  if (!isJsonObject(clouds)) throw invalid(`${path} has no clouds`);
  return clouds;
}

function texts(object: JsonObject): Settings {
  return Object.fromEntries(
    Object.entries(object).flatMap(([key, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[key, String(value)]] : [],
    ),
  );
}

function cloudFrom(settings: Settings, wordFor: (name: string) => string): Cloud {
  const required = (name: string): string => {
    const value = settings[name];
    if (value === undefined) throw invalid(`${wordFor(name)} is missing`);
    return value;
  };
  const named = (what: 'user' | 'project', nameSetting: string): Named => {
    const id = settings[`${what}_id`];
    if (id !== undefined) return { id };
    const domainId = settings[`${what}_domain_id`] ?? settings['default_domain_id'];
    const domainName = settings[`${what}_domain_name`] ?? settings['default_domain_name'];
    return {
      name: required(nameSetting),
      domain: domainName === undefined ? { id: domainId ?? 'default' } : { name: domainName },
    };
  };
  return {
    authUrl: authUrlOf(required('auth_url')),
    user: named('user', 'username'),
    password: required('password'),
    project: named('project', 'project_name'),
    ...(settings['cacert'] === undefined ? {} : { authorityFile: settings['cacert'] }),
  };
}

function authUrlOf(text: string): string {
  const url = text.replace(/\/+$/, '');
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw invalid(`${text} is no http or https URL of an Identity service`);
  }
  return url.endsWith('/v3') ? url : `${url}/v3`;
}

function invalid(message: string): OperatingError {
  return new OperatingError('invalid_input', message);
}

/**
 * The options of `firn serve`, one entry each: from an entry come the key in the configuration
 * file, the flag, the variable of the environment, the row in docs/operate/configuration.md (`npm
 * run docs` writes it) and the checked value, as `config.settings.NAME`. To add an option, add an
 * entry.
 */
import { parseAddress } from './address.ts';
import { readWebhooks } from './config-webhooks.ts';
import {
  oneOf,
  readFolder,
  readHttpUrl,
  readLogLevel,
  readName,
  readNetwork,
  readPath,
  readRate,
  readSocketPath,
  readStoreUrl,
  readYesOrNo,
  wholeNumber,
} from './config-values.ts';

export interface OptionEntry {
  /** Where it stands in the file, with a dot for each level: `nbd.tls.cert`. */
  readonly key: string;
  /** What the value looks like, in capitals: `HOST:PORT`. */
  readonly value: string;
  readonly about: string;
  /** The text that counts when nothing is given. */
  readonly initial?: string;
  /** What is documented as the default of an option without `initial`. */
  readonly otherwise?: string;
  /**
   * `path`: in a file, relative to the file's folder. `switch`: true or false; the flag has no
   * value. `list`: given several times, in the environment with commas between. `structure`: a
   * value of whatever shape, in the file only. Default: a text.
   */
  readonly kind?: 'path' | 'switch' | 'list' | 'structure';
  /** Default: the key with dashes. */
  readonly flag?: string;
  /** Default: `FIRN_` and the key in capitals. */
  readonly variable?: string;
  /**
   * Checks what was given, or one item of a list, and makes a value of it. Throws `invalid_input`
   * that begins with `label`, which says where it was given, and names the fix.
   */
  readonly read: (given: never, label: string) => unknown;
}

export const options = {
  data: {
    key: 'data',
    value: 'DIR',
    about: 'the one folder for all that Firn keeps',
    initial: 'firn-data',
    kind: 'path',
    read: readFolder,
  },
  listen: {
    key: 'listen',
    value: 'HOST:PORT',
    about: 'where the HTTP APIs are',
    initial: '127.0.0.1:8776',
    read: parseAddress,
  },
  publicUrl: {
    key: 'public_url',
    value: 'URL',
    about: 'how clients reach HTTP, behind a proxy',
    otherwise: 'as it listens',
    read: readHttpUrl,
  },
  tlsCert: {
    key: 'http.tls.cert',
    flag: '--tls-cert',
    variable: 'FIRN_TLS_CERT',
    value: 'FILE',
    about: 'HTTP in TLS, with this certificate; one that is replaced is used without a restart',
    kind: 'path',
    read: readPath,
  },
  tlsKey: {
    key: 'http.tls.key',
    flag: '--tls-key',
    variable: 'FIRN_TLS_KEY',
    value: 'FILE',
    about: 'its key, without passphrase',
    kind: 'path',
    read: readPath,
  },
  httpRate: {
    key: 'http.rate',
    value: 'COUNT',
    about: 'requests a second of each project, ten times as many at once; 0: no limit',
    initial: '2000',
    read: wholeNumber(0, 1_000_000),
  },
  httpLoginRate: {
    key: 'http.login_rate',
    value: 'COUNT',
    about: 'logins a second from each address, ten times as many at once; 0: no limit',
    initial: '200',
    read: wholeNumber(0, 1_000_000),
  },
  httpBodyBytes: {
    key: 'http.body_bytes',
    value: 'COUNT',
    about: 'the largest body of a request, but for the data of images',
    initial: '114688',
    read: wholeNumber(1024, 64 * 1024 * 1024),
  },
  trustedProxies: {
    key: 'http.trusted_proxies',
    value: 'ADDRESS',
    about: 'a proxy, or a network of them, whose X-Forwarded-For is believed; may be repeated',
    kind: 'list',
    otherwise: 'none',
    read: readNetwork,
  },
  auditDays: {
    key: 'audit.days',
    value: 'COUNT',
    about: 'for how many days lines of the audit trail are kept',
    initial: '90',
    read: wholeNumber(1, 36_500),
  },
  auditRows: {
    key: 'audit.rows',
    value: 'COUNT',
    about: 'how many lines are kept at most',
    initial: '200000',
    read: wholeNumber(1000, 100_000_000),
  },
  nbd: {
    key: 'nbd.listen',
    flag: '--nbd',
    variable: 'FIRN_NBD',
    value: 'HOST:PORT',
    about: 'NBD on TCP; beyond this machine only in TLS',
    initial: '127.0.0.1:10809',
    read: parseAddress,
  },
  nbdSocket: {
    key: 'nbd.socket',
    value: 'PATH',
    about: 'NBD on a unix socket',
    otherwise: 'DIR/nbd.sock',
    kind: 'path',
    read: readSocketPath,
  },
  nbdPublic: {
    key: 'nbd.public',
    value: 'HOST:PORT',
    about: 'how clients reach NBD on TCP',
    otherwise: 'as it listens',
    read: parseAddress,
  },
  nbdTlsCert: {
    key: 'nbd.tls.cert',
    value: 'FILE',
    about: 'require TLS for NBD on TCP, with this certificate',
    kind: 'path',
    read: readPath,
  },
  nbdTlsKey: {
    key: 'nbd.tls.key',
    value: 'FILE',
    about: 'its key, without passphrase',
    kind: 'path',
    read: readPath,
  },
  nbdTlsClientCa: {
    key: 'nbd.tls.client_ca',
    value: 'FILE',
    about: 'let in only clients with a certificate that this CA signed',
    kind: 'path',
    read: readPath,
  },
  nbdInsecure: {
    key: 'nbd.insecure',
    value: 'true',
    about: 'NBD beyond this machine in clear',
    initial: 'false',
    kind: 'switch',
    read: readYesOrNo,
  },
  manageFolder: {
    key: 'volumes.manage_folder',
    value: 'DIR',
    about:
      'administrators can adopt the raw files in this folder as volumes, and let volumes go to it',
    otherwise: 'none',
    kind: 'path',
    read: readPath,
  },
  store: {
    key: 'store.url',
    flag: '--store',
    variable: 'FIRN_STORE',
    value: 'URL',
    about: 'secondary storage: file:///PATH, s3://BUCKET or swift://; see docs/operate/stores.md',
    otherwise: 'file:///DIR/backups',
    read: readStoreUrl,
  },
  storeCopy: {
    key: 'store.copy',
    value: 'URL',
    about: 'a second store, which gets a copy of every backup and is read when the first fails',
    otherwise: 'none',
    read: readStoreUrl,
  },
  storeUploadLimit: {
    key: 'store.upload_limit',
    value: 'MB/S',
    about: 'what all uploads to the stores keep to together, in megabytes a second',
    otherwise: 'no limit',
    read: readRate,
  },
  storeDownloadLimit: {
    key: 'store.download_limit',
    value: 'MB/S',
    about: 'what all downloads keep to together',
    otherwise: 'no limit',
    read: readRate,
  },
  keyFile: {
    key: 'key_file',
    value: 'PATH',
    about: 'the key of the backups',
    otherwise: 'DIR/firn.key',
    kind: 'path',
    read: readPath,
  },
  identityMode: {
    key: 'identity.mode',
    value: 'MODE',
    about: "embedded: Firn's own users; keystone: those of an existing cloud",
    initial: 'embedded',
    read: oneOf('embedded', 'keystone'),
  },
  keystoneUrl: {
    key: 'identity.keystone.url',
    value: 'URL',
    about: 'Identity v3 of the Keystone, such as https://keystone.example:5000/v3',
    otherwise: 'none',
    read: readHttpUrl,
  },
  keystoneUser: {
    key: 'identity.keystone.user',
    value: 'NAME',
    about: 'the user as whom Firn validates tokens',
    initial: 'firn',
    read: readName,
  },
  keystoneProject: {
    key: 'identity.keystone.project',
    value: 'NAME',
    about: 'the project in which that user has the role admin or service',
    initial: 'service',
    read: readName,
  },
  keystoneDomain: {
    key: 'identity.keystone.domain',
    value: 'NAME',
    about: 'the domain of that user and project',
    initial: 'Default',
    read: readName,
  },
  keystonePasswordFile: {
    key: 'identity.keystone.password_file',
    value: 'FILE',
    about: 'the file that holds the password of that user',
    kind: 'path',
    read: readPath,
  },
  keystoneBelieved: {
    key: 'identity.keystone.cache_seconds',
    value: 'COUNT',
    about: 'how long what Keystone said of a token is believed: so late may a revocation hold',
    initial: '60',
    read: wholeNumber(0, 3600),
  },
  plansRunsAtOnce: {
    key: 'plans.runs_at_once',
    value: 'COUNT',
    about: 'backups and verifications of plans that run at a time',
    initial: '2',
    read: wholeNumber(1, 64),
  },
  verifyRate: {
    key: 'verify.rate',
    value: 'MIB',
    about: 'verify backups unasked, reading so many MiB a second; 0 for never',
    initial: '8',
    read: wholeNumber(0, 1_000_000),
  },
  verifyDays: {
    key: 'verify.days',
    value: 'DAYS',
    about: 'how old the last verification of a backup may be',
    initial: '30',
    read: wholeNumber(1, 10_000),
  },
  hydrationRate: {
    key: 'hydration.rate',
    value: 'MIB',
    about: 'fill volumes of instant restores with at most so many MiB a second',
    otherwise: 'no limit but that guests go first',
    read: wholeNumber(1, 1_000_000),
  },
  webhookTargets: {
    key: 'webhooks.targets',
    value: '[…]',
    about: 'URL, secret and events of webhooks that hear of all projects',
    kind: 'structure',
    initial: '',
    read: readWebhooks,
  },
  webhooksAllowPrivate: {
    key: 'webhooks.allow_private',
    value: 'true',
    about: 'let users name webhooks in private networks and on this machine',
    initial: 'false',
    kind: 'switch',
    read: readYesOrNo,
  },
  logLevel: {
    key: 'log.level',
    variable: 'FIRN_LOG',
    value: 'LEVEL',
    about: 'silent, error, warn, info or debug; JSON lines on standard error',
    initial: 'warn',
    read: readLogLevel,
  },
} as const satisfies Readonly<Record<string, OptionEntry>>;

export type OptionName = keyof typeof options;

type Options = typeof options;

/** The checked value of an entry; undefined when nothing was given and it has no `initial`. */
type ValueOf<O extends OptionEntry> = O extends { readonly kind: 'list' }
  ? readonly ReturnType<O['read']>[]
  : O extends { readonly initial: string }
    ? ReturnType<O['read']>
    : ReturnType<O['read']> | undefined;

/** All options, checked. */
export type Settings = { readonly [N in OptionName]: ValueOf<Options[N]> };

/** The entries in the order of the documentation. */
export const optionList: readonly (OptionEntry & { readonly name: OptionName })[] = Object.entries(
  options,
).map(([name, entry]) => ({ ...entry, name: name as OptionName }));

/** The flag of an entry, with its dashes; undefined for what is in the file only. */
export function flagOf(entry: OptionEntry): string | undefined {
  if (entry.kind === 'structure') return undefined;
  return entry.flag ?? `--${entry.key.replaceAll(/[._]/g, '-')}`;
}

/** The variable of an entry; undefined for what is in the file only. */
export function variableOf(entry: OptionEntry): string | undefined {
  if (entry.kind === 'structure') return undefined;
  return entry.variable ?? `FIRN_${entry.key.replaceAll('.', '_').toUpperCase()}`;
}

import { isOperatingError, OperatingError } from '../base/errors.ts';
import { isJsonObject, type JsonValue } from '../base/json.ts';
import { type HttpAnswer, HttpExchange, type HttpRequest } from './http-exchange.ts';
import type { KeystoneCredentials, SwiftCredentials, V1Credentials } from './swift-credentials.ts';

/** A token, and the account's URL. */
interface Login {
  readonly token: string;
  readonly storageUrl: string;
}

/** A request to a path below the account's URL. */
export type SwiftRequest = Omit<HttpRequest, 'url'> & {
  /** Begins with a slash, and is encoded; empty for the account itself. */
  readonly path: string;
};

/**
 * A Swift account to send requests to. It logs in when it has to, and again when the token is not
 * taken any more; several requests share one login.
 */
export class SwiftSession {
  readonly #store: string;
  readonly #exchange: HttpExchange;
  readonly #readCredentials: () => Promise<SwiftCredentials>;
  #login: Promise<Login> | undefined;

  constructor(store: string, readCredentials: () => Promise<SwiftCredentials>) {
    this.#store = store;
    this.#exchange = new HttpExchange(store);
    this.#readCredentials = readCredentials;
  }

  /** The answer, of whatever status but 401, which is `denied` after a second login. */
  async send(request: SwiftRequest): Promise<HttpAnswer> {
    const first = await this.#sendOnce(request, (this.#login ??= this.#logIn()));
    if (first.status !== 401) return first;
    const again = await this.#sendOnce(request, (this.#login ??= this.#logIn()));
    if (again.status !== 401) return again;
    throw new OperatingError('denied', `the store ${this.#store} does not take its own token`);
  }

  close(): void {
    this.#exchange.close();
  }

  async #sendOnce(request: SwiftRequest, login: Promise<Login>): Promise<HttpAnswer> {
    const forget = (): void => {
      if (this.#login === login) this.#login = undefined;
    };
    try {
      const { token, storageUrl } = await login;
      const { path, headers, ...rest } = request;
      const answer = await this.#exchange.send({
        ...rest,
        url: `${storageUrl}${path}`,
        headers: { ...headers, 'x-auth-token': token },
      });
      if (answer.status === 401) forget();
      return answer;
    } catch (error) {
      // A login that failed is not kept, and one whose endpoint has moved is made again.
      if (!isOperatingError(error, 'aborted')) forget();
      throw error;
    }
  }

  async #logIn(): Promise<Login> {
    const credentials = await this.#readCredentials();
    return credentials.version === 1 ? this.#logInV1(credentials) : this.#logInV3(credentials);
  }

  /** Swift's own login (docs.openstack.org, Swift, "The Auth System", TempAuth). */
  async #logInV1({ authUrl, user, key }: V1Credentials): Promise<Login> {
    const headers = { 'x-auth-user': user, 'x-auth-key': key };
    const answer = await this.#exchange.send({ method: 'GET', url: authUrl, headers });
    if (answer.status >= 300) throw this.#refused(answer, authUrl, 'ST_USER and ST_KEY');
    const token = answer.headers['x-auth-token'];
    const storageUrl = answer.headers['x-storage-url'];
    if (typeof token !== 'string' || typeof storageUrl !== 'string') throw this.#odd(authUrl);
    return { token, storageUrl: storageUrl.replace(/\/+$/, '') };
  }

  async #logInV3({ authUrl, login, ...where }: KeystoneCredentials): Promise<Login> {
    const answer = await this.#exchange.send({
      method: 'POST',
      url: `${authUrl}/auth/tokens`,
      headers: { 'content-type': 'application/json' },
      body: [Buffer.from(JSON.stringify(login))],
    });
    if (answer.status >= 300) {
      throw this.#refused(answer, authUrl, 'user, password, project and domains');
    }
    const token = answer.headers['x-subject-token'];
    const body = parseJson(answer.body);
    const inside = isJsonObject(body) ? body['token'] : undefined;
    if (typeof token !== 'string' || !isJsonObject(inside)) throw this.#odd(authUrl);
    const storageUrl = endpointOf(inside['catalog'] ?? [], where);
    if (storageUrl !== undefined) return { token, storageUrl: storageUrl.replace(/\/+$/, '') };
    throw new OperatingError(
      'denied',
      `the catalogue of ${authUrl} has no ${where.interface} object-store endpoint` +
        `${where.region === undefined ? '' : ` in the region ${where.region}`}: look at region, ` +
        'interface and project',
    );
  }

  #refused({ status }: HttpAnswer, authUrl: string, what: string): OperatingError {
    if (status === 401 || status === 403) {
      return new OperatingError('denied', `${authUrl} refuses the login: look at ${what}`);
    }
    if (status >= 500 || status === 429) {
      return new OperatingError('unavailable', `${authUrl} is busy: it answered ${status}`);
    }
    return new OperatingError('denied', `${authUrl} answered ${status} to a login: is it right?`);
  }

  #odd(authUrl: string): OperatingError {
    return new OperatingError('denied', `${authUrl} does not answer as a login does: is it right?`);
  }
}

/** The URL of the object store in a Keystone catalogue (Identity v3, "Password authentication"). */
function endpointOf(
  catalog: JsonValue,
  where: { region: string | undefined; interface: string },
): string | undefined {
  const services = Array.isArray(catalog) ? catalog.filter(isJsonObject) : [];
  const endpoints = services
    .filter(({ type }) => type === 'object-store')
    .flatMap(({ endpoints: found }) => (Array.isArray(found) ? found.filter(isJsonObject) : []))
    .filter((endpoint) => endpoint['interface'] === where.interface)
    .filter(
      (endpoint) =>
        where.region === undefined ||
        endpoint['region_id'] === where.region ||
        endpoint['region'] === where.region,
    );
  const url = endpoints[0]?.['url'];
  return typeof url === 'string' ? url : undefined;
}

/** Undefined for what is no JSON. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

import { Type } from 'typebox';
import { OperatingError } from '../base/errors.ts';
import { readAnswer } from './answer.ts';
import type { Cloud } from './cloud.ts';
import { exchange, isUnauthenticated } from './http.ts';
import type { Answer } from './http.ts';

const TokenAnswer = Type.Object({
  token: Type.Object({
    catalog: Type.Array(
      Type.Object({
        type: Type.String(),
        endpoints: Type.Array(Type.Object({ interface: Type.String(), url: Type.String() })),
      }),
    ),
  }),
});

/** The newest microversion whose answers this client knows. */
const microversion = 'volume 3.71';

export type ServiceName = 'block-storage' | 'firn';

interface Login {
  readonly token: string;
  /** Without a slash at the end. */
  readonly urls: Readonly<Record<ServiceName, string>>;
}

export interface Call {
  readonly service: ServiceName;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the service's address; begins with a slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Requests of one user: logs in before the first, and again when the token has ended. */
export class Session {
  readonly #cloud: Cloud;
  #login: Promise<Login> | undefined;

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  /** The body of the answer, unchecked. */
  async call(call: Call): Promise<unknown> {
    const login = await this.#currentLogin();
    try {
      return await send(login, call);
    } catch (error) {
      if (!isUnauthenticated(error)) throw error;
    }
    this.#login = undefined;
    return await send(await this.#currentLogin(), call);
  }

  /** A login that failed is not kept: the next call tries anew. */
  async #currentLogin(): Promise<Login> {
    const login = (this.#login ??= this.#newLogin());
    try {
      return await login;
    } catch (error) {
      if (this.#login === login) this.#login = undefined;
      throw error;
    }
  }

  async #newLogin(): Promise<Login> {
    const { authUrl, user, password, project } = this.#cloud;
    const answer = await exchange({
      method: 'POST',
      url: `${authUrl}/auth/tokens`,
      body: {
        auth: {
          identity: { methods: ['password'], password: { user: { ...user, password } } },
          scope: { project },
        },
      },
    });
    return loginOf(answer, authUrl);
  }
}

function loginOf({ body, headers }: Answer, authUrl: string): Login {
  const { token } = readAnswer(TokenAnswer, body);
  const id = headers.get('x-subject-token');
  const volumes = token.catalog
    .find(({ type }) => type === 'block-storage' || type === 'volumev3')
    ?.endpoints.find((endpoint) => endpoint.interface === 'public')?.url;
  if (id === null || volumes === undefined) {
    throw new OperatingError('unavailable', `${authUrl} names no Block Storage service`);
  }
  // Firn's own interface lies beside Identity; no catalogue type exists for it.
  const root = authUrl.replace(/(?:\/identity)?\/v3$/, '');
  return {
    token: id,
    urls: { 'block-storage': volumes.replace(/\/+$/, ''), firn: `${root}/firn/v1` },
  };
}

async function send(login: Login, call: Call): Promise<unknown> {
  const query = new URLSearchParams(call.query).toString();
  const { body } = await exchange({
    method: call.method,
    url: `${login.urls[call.service]}${call.path}${query === '' ? '' : `?${query}`}`,
    headers: { 'x-auth-token': login.token, 'openstack-api-version': microversion },
    body: call.body,
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  });
  return body;
}

import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { once } from 'node:events';
import { errnoOf, messageOf, OperatingError } from '../base/errors.ts';
import { readBody } from './read-body.ts';

/** A server is given up when it says nothing for so long, in the middle of an answer too. */
const silenceMsMax = 60_000;
/** The longest answer that is read when the server does not say how long it is. */
const answerBytesMax = 64 * 1024 * 1024;
/** What is handed to the socket at once, so that a large body does not wait in it as a whole. */
const pieceBytes = 1024 * 1024;

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: readonly Uint8Array[];
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Uint8Array;
}

/** Sends requests over connections that are kept; `store` names in errors whom it talks to. */
export class HttpExchange {
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: 64 });
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: 64 });
  readonly #store: string;

  constructor(store: string) {
    this.#store = store;
  }

  /** Rejects with `unavailable` or `denied` when there is no answer, and with `aborted`. */
  async send(what: HttpRequest): Promise<HttpAnswer> {
    try {
      return await this.#send(what);
    } catch (error) {
      if (what.signal?.aborted === true) {
        throw new OperatingError('aborted', 'the work was told to stop');
      }
      throw this.#meaning(error, new URL(what.url));
    }
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  async #send({ method, url, headers = {}, body, signal }: HttpRequest): Promise<HttpAnswer> {
    const isTls = url.startsWith('https:');
    const lengthBytes = body?.reduce((sum, chunk) => sum + chunk.length, 0);
    const request = (isTls ? httpsRequest : httpRequest)(url, {
      method,
      agent: isTls ? this.#https : this.#http,
      headers: {
        ...headers,
        ...(lengthBytes === undefined ? {} : { 'content-length': String(lengthBytes) }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
    request.setTimeout(silenceMsMax, () => {
      request.destroy(new Error(`it said nothing for ${silenceMsMax / 1000} s`));
    });
    const answering = once(request, 'response') as Promise<[IncomingMessage]>;
    // A connection that breaks later is told by the answer's body, if that is not complete.
    request.on('error', () => request.destroy());
    let answered = false;
    const noted = answering.then(
      () => (answered = true),
      () => (answered = true),
    );
    for (const piece of piecesOf(body ?? [])) {
      if (answered) break;
      if (!request.write(piece)) await Promise.race([noted, once(request, 'drain')]);
    }
    // A server that answers before it has the whole body does not want the rest.
    if (!answered) request.end();
    const [response] = await answering;
    const answer = await readAnswer(response, method);
    if (!request.writableEnded) request.destroy();
    return answer;
  }

  #meaning(error: unknown, { host }: URL): unknown {
    const errno = errnoOf(error) ?? '';
    if (error instanceof OperatingError) return error;
    if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(errno)) {
      return new OperatingError(
        'denied',
        `the certificate of ${host} is not to be trusted (${errno}): NODE_EXTRA_CA_CERTS names a ` +
          'file with the certificates of a CA of your own',
      );
    }
    const why = errno === '' ? messageOf(error) : errno;
    return new OperatingError(
      'unavailable',
      `the store ${this.#store} does not answer: ${why} at ${host}`,
    );
  }
}

function* piecesOf(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes);
  }
}

async function readAnswer(response: IncomingMessage, method: string): Promise<HttpAnswer> {
  const { statusCode: status = 0, headers } = response;
  const said = headers['content-length'];
  if (method === 'HEAD') {
    response.resume();
    return { status, headers, body: new Uint8Array(0) };
  }
  if (said !== undefined) {
    return { status, headers, body: await readBody(response, Number(said), 'the answer') };
  }
  const chunks: Uint8Array[] = [];
  let lengthBytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    lengthBytes += chunk.length;
    if (lengthBytes > answerBytesMax) throw new OperatingError('io', 'an answer has no end');
    chunks.push(chunk);
  }
  return { status, headers, body: Buffer.concat(chunks) };
}

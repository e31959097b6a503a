import { Type } from 'typebox';
import type { Static, TObject } from 'typebox';
import { OperatingError, isOperatingError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { readAnswer } from './answer.ts';
import type { Session } from './session.ts';

/** Rows asked for at once. */
const pageRows = 500;

/** Volumes, snapshots or backups: what can be listed, shown, made and removed. */
export class Collection<S extends TObject> {
  readonly #session: Session;
  readonly #singular: string;
  readonly #plural: string;
  readonly #schema: S;

  constructor(session: Session, names: { singular: string; plural: string }, schema: S) {
    this.#session = session;
    this.#singular = names.singular;
    this.#plural = names.plural;
    this.#schema = schema;
  }

  /** All of them that the filters let through, in the server's order; page by page. */
  async *list(filters: Readonly<Record<string, string>> = {}): AsyncGenerator<Static<S>> {
    let marker: string | undefined;
    for (;;) {
      const page = await this.#page({
        ...filters,
        limit: String(pageRows),
        ...(marker === undefined ? {} : { marker }),
      });
      for (const item of page) yield readAnswer(this.#schema, item);
      const last = page.at(-1);
      if (page.length < pageRows || !isJsonObject(last) || typeof last['id'] !== 'string') return;
      marker = last['id'];
    }
  }

  async #page(query: Record<string, string>): Promise<unknown[]> {
    const path = `/${this.#plural}/detail`;
    const body = await this.#session.call({ service: 'block-storage', method: 'GET', path, query });
    const items = isJsonObject(body) ? body[this.#plural] : undefined;
    return readAnswer(Type.Array(Type.Unknown()), items);
  }

  async show(id: string): Promise<Static<S>> {
    return this.#one(await this.#call('GET', `/${encodeURIComponent(id)}`));
  }

  /** By id, or else by a name that only one has. */
  async find(nameOrId: string): Promise<Static<S>> {
    try {
      return await this.show(nameOrId);
    } catch (error) {
      if (!isOperatingError(error, 'not_found')) throw error;
    }
    const found: Static<S>[] = [];
    for await (const item of this.list({ name: nameOrId })) found.push(item);
    const [first, second] = found;
    if (first === undefined) {
      throw new OperatingError('not_found', `There is no ${this.#singular} ${nameOrId}`);
    }
    if (second !== undefined) {
      throw new OperatingError(
        'invalid_input',
        `More than one ${this.#singular} is named ${nameOrId}; give its id instead`,
      );
    }
    return first;
  }

  /** Asks for a new one, whose work may go on after this; the id of what is being made. */
  async create(fields: object): Promise<string> {
    const body = await this.#call('POST', '', { [this.#singular]: fields });
    const made = isJsonObject(body) ? body[this.#singular] : undefined;
    return readAnswer(Type.Object({ id: Type.String() }), made).id;
  }

  async delete(id: string): Promise<void> {
    await this.#call('DELETE', `/${encodeURIComponent(id)}`);
  }

  #call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    return this.#session.call({
      service: 'block-storage',
      method,
      path: `/${this.#plural}${path}`,
      body,
    });
  }

  #one(body: unknown): Static<S> {
    return readAnswer(this.#schema, isJsonObject(body) ? body[this.#singular] : undefined);
  }
}

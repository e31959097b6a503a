/** Bodies of Identity against their schemas, and in Keystone's words what is wrong. */
import { Type } from 'typebox';
import type { Static, TSchema } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import { findFault } from '../body.ts';
import { takes } from '../takes.ts';

/** What stands in the body under `name`, checked. The value at fault is not repeated: it may be a
 * password. */
export function parseIdentityBody<S extends TSchema>(
  name: string,
  schema: S,
  body: unknown,
): Static<S> {
  const given: unknown =
    typeof body === 'object' && body !== null && Object.hasOwn(body, name)
      ? Object.entries(body).find(([key]) => key === name)?.[1]
      : undefined;
  if (given === undefined) {
    throw new OperatingError('invalid_input', `Expecting to find ${name} in request body.`, {
      field: name,
    });
  }
  const fault = findFault(schema, given);
  if (fault === undefined) return given as Static<S>;
  const field = fault.path.join('/');
  const secret = fault.path.some((part) => /password|secret/.test(part));
  const problem = secret ? 'it is not of the form that it must have' : fault.problem;
  throw new OperatingError(
    'invalid_input',
    field === '' ? problem : `Invalid input for field '${field}': ${problem}`,
    field === '' ? {} : { field },
  );
}

/** Not empty, and not of blanks alone. */
export const nameOf = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '\\S' });

export const Id = Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-zA-Z0-9-]+$' });
export const Text = Type.String({ maxLength: 255 });
export const LongText = Type.String({ maxLength: 65_535 });
export const orNull = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** Fields of the client's own, whatever JSON they hold, in the bounds of a body. */
export const open = { additionalProperties: Type.Unknown() } as const;

/** Options of a route whose body holds this under `name`. */
export const takesUnder = (name: string, schema: TSchema) =>
  takes(Type.Object({ [name]: schema }, { additionalProperties: true }));

import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { OperatingError } from '../base/errors.ts';

/** What a server answered, typed; rejects with `corrupt` an answer of another shape. */
export function readAnswer<S extends TSchema>(schema: S, body: unknown): Static<S> {
  if (Value.Check(schema, body)) return body;
  const [first] = Value.Errors(schema, body);
  const where = first?.instancePath ?? '';
  throw new OperatingError(
    'corrupt',
    `The server's answer has an unexpected form${where === '' ? '' : ` at ${where}`}`,
  );
}

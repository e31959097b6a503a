/** Why something in the directory cannot be done, in Keystone's words. */
import { isOperatingError, OperatingError } from '../../base/errors.ts';

export type Kind =
  | 'user'
  | 'project'
  | 'domain'
  | 'group'
  | 'role'
  | 'service'
  | 'endpoint'
  | 'region'
  | 'application credential'
  | 'access rule'
  | 'role assignment';

export function notFound(kind: Kind, id: string): OperatingError {
  return new OperatingError('not_found', `Could not find ${kind}: ${id.slice(0, 255)}.`);
}

export function orNotFound<T>(value: T | undefined, kind: Kind, id: string): T {
  if (value === undefined) throw notFound(kind, id);
  return value;
}

/** Makes Keystone's `409` of a name, or an id, that is there already. */
export async function unique<T>(kind: Kind, name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isOperatingError(error, 'exists')) throw error;
    throw new OperatingError(
      'exists',
      `Conflict occurred attempting to store ${kind} - Duplicate entry found with name ${name}.`,
    );
  }
}

export function invalid(field: string, problem: string): OperatingError {
  return new OperatingError('invalid_input', `Invalid input for field '${field}': ${problem}`, {
    field,
  });
}

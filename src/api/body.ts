/** Values from clients against a schema, and in the words that Cinder has for what is wrong. */
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Validator } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { OperatingError } from '../base/errors.ts';
import { pythonRepr, pythonText } from './python-repr.ts';

/** What is wrong with a value: where, and in jsonschema's words what. */
export interface Fault {
  /** Keys from the root to the value at fault; empty for the root. */
  readonly path: readonly string[];
  readonly value: unknown;
  readonly problem: string;
}

type Checker = Validator;
type Finding = TLocalizedValidationError;

const compiled = new WeakMap<TSchema, Checker>();

function checkerOf(schema: TSchema): Checker {
  let checker = compiled.get(schema);
  if (checker === undefined) {
    checker = Compile(schema);
    compiled.set(schema, checker);
  }
  return checker;
}

/** The value, typed; rejects with `invalid_input` that names the field and the limit. */
export function parseBody<S extends TSchema>(schema: S, body: unknown): Static<S> {
  const fault = findFault(schema, body);
  if (fault === undefined) return body as Static<S>;
  const field = fault.path.at(-1);
  if (field === undefined) throw new OperatingError('invalid_input', fault.problem);
  throw new OperatingError(
    'invalid_input',
    `Invalid input for field/attribute ${field}. Value: ${pythonText(fault.value)}. ` +
      fault.problem,
    { field },
  );
}

/** The first thing wrong with `value`, or undefined. */
export function findFault(schema: TSchema, value: unknown): Fault | undefined {
  const checker = checkerOf(schema);
  if (checker.Check(value)) return undefined;
  if (value === undefined) {
    return { path: [], value, problem: 'Missing required element in request body.' };
  }
  const findings = checker.Errors(value).filter((finding) => finding.keyword !== 'boolean');
  const first = findings[0];
  if (first === undefined) return { path: [], value, problem: 'The value is not valid.' };
  const { finding, alternatives } = pick(first, findings);
  const path = finding.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const at = valueAt(value, path);
  return { path, value: at, problem: problemOf(finding, alternatives, at) };
}

/**
 * Of the findings of a union, the one that helps: what is wrong within the alternative whose type
 * fits, or else all the alternatives together.
 */
function pick(
  first: Finding,
  findings: readonly Finding[],
): { finding: Finding; alternatives: readonly Finding[] } {
  const end = first.schemaPath.indexOf('/anyOf/');
  if (end < 0) return { finding: first, alternatives: [first] };
  const union = first.schemaPath.slice(0, end);
  const branches = findings.filter((finding) => finding.schemaPath.startsWith(`${union}/anyOf/`));
  const within = branches.find((finding) => !['type', 'const'].includes(finding.keyword));
  const finding = within ?? first;
  return {
    finding,
    alternatives: branches.filter((branch) => branch.keyword === finding.keyword),
  };
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([name]) => name === key)?.[1];
  }
  return value;
}

/** Values as Python lists them, without the brackets. */
function listed(values: unknown): string {
  return pythonRepr(values).slice(1, -1);
}

/** One finding in the words of Python's jsonschema, which OpenStack's clients show. */
function problemOf(finding: Finding, alternatives: readonly Finding[], value: unknown): string {
  const shown = pythonRepr(value);
  const { keyword, params }: { keyword: string; params: Record<string, unknown> } = finding;
  switch (keyword) {
    case 'required':
      return `${listed(params['requiredProperties']).split(', ', 1)[0]} is a required property`;
    case 'anyOf':
      return `${shown} is not valid under any of the given schemas`;
    case 'additionalProperties':
      return `Additional properties are not allowed (${unexpected(params[keyword])})`;
    case 'type':
      return `${shown} is not of type ${listed([...new Set(gather(alternatives, 'type'))])}`;
    case 'const':
      return `${shown} is not one of [${listed(gather(alternatives, 'allowedValue'))}]`;
    case 'enum':
      return `${shown} is not one of ${pythonRepr(params['allowedValues'])}`;
    case 'minimum':
      return `${shown} is less than the minimum of ${pythonRepr(params['limit'])}`;
    case 'maximum':
      return `${shown} is greater than the maximum of ${pythonRepr(params['limit'])}`;
    case 'minLength':
    case 'minItems':
      return `${shown} is too short`;
    case 'maxLength':
    case 'maxItems':
      return `${shown} is too long`;
    case 'pattern':
      return `${shown} does not match ${pythonRepr(String(params['pattern']))}`;
    case 'format':
      return `${shown} is not a ${pythonRepr(params['format'])}`;
    case 'uniqueItems':
      return `${shown} has non-unique elements`;
    case 'minProperties':
      return `${shown} does not have enough properties`;
    case 'maxProperties':
      return `${shown} has too many properties`;
    default:
      return `${shown} ${finding.message}`;
  }
}

function unexpected(names: unknown): string {
  const one = Array.isArray(names) && names.length === 1;
  return `${listed(names)} ${one ? 'was' : 'were'} unexpected`;
}

/** The values of one parameter over all alternatives, flattened. */
function gather(findings: readonly Finding[], parameter: string): unknown[] {
  return findings.flatMap((finding) => {
    const params: Record<string, unknown> = finding.params;
    return params[parameter];
  });
}

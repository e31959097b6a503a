/**
 * `os-services/get-log` and `set-log` (3.32): the level of Firn's log while it runs. The services
 * are one process with one log, so that a level that is set for one of them is set for all, until
 * the next start.
 */
import type { FastifyBaseLogger } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import { hostName, services } from '../../operation/installation/binaries.ts';
import { parseBody } from '../body.ts';
import { exactly, orNull } from './fields.ts';

const Text = Type.Optional(orNull(Type.String({ maxLength: 255 })));
const fields = {
  binary: Type.Optional(
    Type.Enum(['', '*', 'cinder-api', 'cinder-volume', 'cinder-scheduler', 'cinder-backup']),
  ),
  server: Text,
  prefix: Text,
};

export const GetLog = exactly(fields);
export const SetLog = exactly({ ...fields, level: Text });

/** The name of the log, which a prefix is compared with. */
const logName = 'firn';

const hosts: Readonly<Record<string, string>> = { 'cinder-api': hostName, ...services };

/** Cinder's names of levels, and the log's. */
const levels: Readonly<Record<string, string>> = {
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  ERROR: 'error',
};

/** The services that a request is about, with their hosts. */
function askedFor({ binary, server, prefix }: Static<typeof GetLog>): [string, string][] {
  if (!logName.startsWith(prefix ?? '')) return [];
  const all = binary === undefined || binary === '' || binary === '*';
  return Object.entries(hosts).filter(
    ([name, host]) =>
      (all || name === binary) && ((server ?? '') === '' || server === host || server === hostName),
  );
}

export function logLevels(body: unknown, log: FastifyBaseLogger): object {
  const level = Object.entries(levels).find(([, own]) => own === log.level)?.[0];
  const shown = { [logName]: level ?? log.level.toUpperCase() };
  const asked = askedFor(parseBody(GetLog, body ?? {}));
  return { log_levels: asked.map(([binary, host]) => ({ binary, host, levels: shown })) };
}

export function setLogLevel(body: unknown, log: FastifyBaseLogger): void {
  const given = parseBody(SetLog, body ?? {});
  const name = given.level ?? '';
  const level = levels[name.toUpperCase()];
  if (level === undefined) {
    const message = `Invalid input received: ${name} is not a valid log level.`;
    throw new OperatingError('invalid_input', message, { field: 'level' });
  }
  if (askedFor(given).length === 0) return;
  log.level = level;
  log.warn({ level }, 'the level of the log was set by an administrator');
}

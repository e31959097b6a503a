import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

/** Names under which secrets go by; their values never reach the log, up to three levels deep. */
const secretNames = [
  'password',
  'token',
  'secret',
  'authorization',
  'exportName',
  '["x-auth-token"]',
  '["x-subject-token"]',
];

const levels = ['', '*', '*.*'];

/** Every name at every level, in the path syntax of pino's redaction. */
const secretPaths = levels.flatMap((level) =>
  secretNames.map((name) => `${level}${level !== '' && !name.startsWith('[') ? '.' : ''}${name}`),
);

/** The address of a request as it may be logged: somebody may have put a secret into its query. */
export function loggedUrl(url: string): string {
  return url.replaceAll(
    /([?&][^=&]*(?:token|password|secret|auth_key)[^=&]*=)[^&]*/gi,
    '$1[secret]',
  );
}

/** A log of JSON lines on standard output, or where `destination` says. */
export function createLog(options: { level: string; destination?: DestinationStream }): Logger {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretPaths, censor: '[secret]' },
    },
    options.destination ?? pino.destination(1),
  );
}

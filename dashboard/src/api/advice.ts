import { ApiError, Unreachable } from './http.ts';

/** What a person can do about an error; undefined when its own words say it. */
export function adviceFor(error: unknown): string | undefined {
  if (error instanceof Unreachable) {
    return 'The page goes on by itself when the server is back. Is Firn running?';
  }
  if (!(error instanceof ApiError)) return 'Reload the page; if it stays, report it.';
  switch (error.status) {
    case 401:
      return 'Log in again.';
    case 403:
      return 'Your role in this project does not allow it. Ask an administrator for another role.';
    case 404:
      return 'Somebody else may have deleted it. The tables show what is there now.';
    case 409:
      return 'Somebody else was faster. Look at it as it is now, and try again.';
    case 413:
      return 'Delete what is not needed, or ask an administrator for more quota.';
    case 503:
      return 'Wait a little and try again.';
    case 507:
      return 'The storage is full: make room there, or delete snapshots and backups.';
    default:
      return error.status >= 500
        ? 'Look into the log of the server for the request named below.'
        : undefined;
  }
}

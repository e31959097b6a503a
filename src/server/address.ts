import { OperatingError } from '../base/errors.ts';

export interface Address {
  readonly host: string;
  /** 0 stands for a free port. */
  readonly port: number;
}

/** `invalid_input` that names the flag, what it was given and what it wants. */
export function invalidFlag(flag: string, value: string, expected: string): OperatingError {
  return new OperatingError('invalid_input', `${flag} ${value}: expected ${expected}`, {
    field: flag,
  });
}

/** Reads `HOST:PORT`, with brackets around IPv6. */
export function parseAddress(text: string, flag: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65_535) {
    throw invalidFlag(flag, text, 'HOST:PORT, such as 127.0.0.1:8776');
  }
  return { host, port };
}

/** `HOST:PORT` as it stands in a URL, with brackets around IPv6. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True for the addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** True for what stands for all addresses of a machine, and is none that a client can call. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host);
}

/**
 * Sends one request to a place that a user named.
 *
 * The address is checked when it is connected to, not before, so that a name cannot point elsewhere
 * a moment later; redirects are not followed; of the answer only the status counts.
 */
import { lookup as systemLookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { OperatingError } from '../base/errors.ts';

const timeoutMs = 10_000;

/** Addresses that only machines near this one have: where a user's webhook has no business. */
const nearby = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  nearby.addSubnet(net, prefix, 'ipv4');
}
for (const [net, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  nearby.addSubnet(net, prefix, 'ipv6');
}

/** True for an address of this machine or its own networks; IPv4 within IPv6 too. */
export function isNearby(address: string): boolean {
  const inner = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = inner ?? address;
  if (/^::ffff:/i.test(plain)) return true;
  return nearby.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
}

function refusal(host: string): OperatingError {
  return new OperatingError('forbidden', `${host} is an address of a private network`);
}

const farLookup: LookupFunction = (host, options, callback) => {
  systemLookup(host, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '');
    if (addresses.some(({ address }) => isNearby(address))) return callback(refusal(host), '');
    const [first] = addresses;
    if (options.all === true) return callback(null, addresses);
    return callback(null, first?.address ?? '', first?.family);
  });
};

export interface Posting {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether the operator, and not a user, vouches for the place. */
  readonly trusted: boolean;
  readonly signal: AbortSignal;
}

/** The status that was answered; rejects when there was no answer in time. */
export async function post(posting: Posting): Promise<number> {
  const url = new URL(posting.url);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!posting.trusted && isIP(host) > 0 && isNearby(host)) throw refusal(host);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const signal = AbortSignal.any([posting.signal, AbortSignal.timeout(timeoutMs)]);
  return await new Promise<number>((resolve, reject) => {
    const outgoing = send(url, {
      method: 'POST',
      headers: { ...posting.headers, 'content-length': Buffer.byteLength(posting.body) },
      agent: false,
      signal,
      ...(posting.trusted ? {} : { lookup: farLookup }),
    });
    outgoing.once('error', reject);
    outgoing.once('response', (answer) => {
      resolve(answer.statusCode ?? 0);
      answer.destroy();
    });
    outgoing.end(posting.body);
  });
}

/**
 * Microversions of Block Storage v3, as the header `OpenStack-API-Version` asks for them
 * (specs.openstack.org, API-WG "Microversion Specification"): `volume 3.NN` or `volume latest`,
 * beside entries of other services. Without an entry for `volume` it is 3.0. Clients of gophercloud
 * name the service by the type that they have found in the catalogue.
 */
import type { onRequestHookHandler } from 'fastify';
import { OperatingError } from '../base/errors.ts';

const names: readonly string[] = ['volume', 'volumev3', 'block-storage', 'block-store'];

export const microversionMin = 0;
export const microversionMax = 71;

/**
 * The minor number that a header asks for. Rejects with `invalid_input` what is malformed, with
 * `version_unsupported` what is not served.
 */
export function parseMicroversion(header: string | undefined): number {
  const entries = (header ?? '').split(',').map((entry) => entry.trim().split(/\s+/));
  const entry = entries.find(([service]) => names.includes(service?.toLowerCase() ?? ''));
  if (entry === undefined) return microversionMin;
  const version = entry.slice(1).join(' ');
  if (version === 'latest') return microversionMax;
  const match = /^([1-9]\d{0,3})\.(0|[1-9]\d{0,3})$/.exec(version);
  if (match === null) {
    throw new OperatingError(
      'invalid_input',
      `API Version String '${version.slice(0, 100)}' is of invalid format. ` +
        'Must be of format MajorNum.MinorNum.',
    );
  }
  const minor = Number(match[2]);
  if (match[1] !== '3' || minor > microversionMax) {
    throw new OperatingError(
      'version_unsupported',
      `Version ${version} is not supported by the API. ` +
        `Minimum is 3.${microversionMin} and maximum is 3.${microversionMax}.`,
    );
  }
  return minor;
}

/** A hook that sets `request.microversion`, and says in the answer which version it is. */
export const negotiateMicroversion: onRequestHookHandler = (request, reply, done) => {
  reply.header('vary', 'OpenStack-API-Version');
  const header = request.headers['openstack-api-version'];
  request.microversion = parseMicroversion(Array.isArray(header) ? header.join(',') : header);
  reply.header('openstack-api-version', `volume 3.${request.microversion}`);
  done();
};

/** What hooks add to a request. The one place where Fastify's types are widened. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { newId } from '../base/ids.ts';
import type { Caller } from '../identity/caller.ts';
import type { TokenFacts } from '../identity/identity.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body may take longer than a minute to come. */
    takesLong?: boolean;
  }
  interface FastifyRequest {
    /** `req-…`: also in the answer's headers, the log, jobs and messages. */
    readonly requestId: string;
    /** Where it came from; still known when the client has gone away. */
    address: string;
    /** Set by `authenticate` with scope `project`; not there on routes without it. */
    caller: Caller;
    /** Set by `authenticate`; not there on routes without it. */
    tokenFacts: TokenFacts;
    /** Set by `authenticate`: the token that was shown; not there on routes without it. */
    token: string;
    /** NN of `volume 3.NN`; set by `negotiateMicroversion`, not there on routes without it. */
    microversion: number;
  }
}

export function newRequestId(): string {
  return `req-${newId()}`;
}

/** Says in the answer which request it belongs to. */
export function nameRequest(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-openstack-request-id', request.id);
}

/** Gives every request `requestId`, and every answer the header that names it. */
export function giveRequestIds(app: FastifyInstance): void {
  app.decorateRequest('requestId', {
    getter() {
      return this.id;
    },
  });
  app.decorateRequest('address', '');
  app.addHook('onRequest', async (request, reply) => {
    // Whatever its type says, there is none for a connection that has ended.
    const ip: string | undefined = request.ip;
    request.address = ip ?? '';
    nameRequest(request, reply);
  });
}

/** What hooks add to a request. The one place where Fastify's types are widened. */
import type { Caller } from '../identity/caller.ts';
import type { TokenFacts } from '../identity/identity.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** `req-…`: also in the answer's headers, the log, jobs and messages. */
    readonly requestId: string;
    /** Set by `authenticate` with scope `project`; not there on routes without it. */
    caller: Caller;
    /** Set by `authenticate`; not there on routes without it. */
    tokenFacts: TokenFacts;
    /** NN of `volume 3.NN`; set by `negotiateMicroversion`, not there on routes without it. */
    microversion: number;
  }
}

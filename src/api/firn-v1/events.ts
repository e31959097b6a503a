/** `GET /events`: what changes, as it changes. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import type { Change, ChangeFeed } from '../../catalog/change-feed.ts';
import { tableOf } from '../../catalog/columns.ts';
import type { TableName } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import type { Identity, TokenFacts } from '../../identity/identity.ts';
import { systemScheduler } from '../../job/scheduler.ts';
import { isAdmin } from '../../operation/scope.ts';
import { parseBool, readQuery } from '../query.ts';
import { EventLog } from './event-log.ts';
import { eventStream } from './event-stream.ts';

/** A stream takes up a connection and little else; beyond these numbers somebody leaks them. */
const streamsMax = 1000;
const streamsOfUserMax = 50;

/** Tables of the installation that everybody may read; what is in none of the lists is untold. */
const forEverybody: ReadonlySet<TableName> = new Set(['volumeTypes', 'groupTypes']);
const forAdmins: ReadonlySet<TableName> = new Set([
  'domains',
  'projects',
  'users',
  'roles',
  'roleAssignments',
]);

export interface EventRoutes {
  readonly feed: ChangeFeed;
  readonly identity: Identity;
  readonly clock: Clock;
}

export function eventRoutes(app: FastifyInstance, options: EventRoutes): void {
  const { feed, identity, clock } = options;
  const log = new EventLog(feed, systemScheduler);
  const streams = new Set<{ readonly userId: string; readonly end: AbortController }>();
  app.addHook('preClose', async () => {
    log.close();
    for (const { end } of streams) end.abort();
  });

  app.get('/events', async (request, reply) => {
    const { userId } = request.caller;
    const everyProject = parseBool(readQuery(request), 'all_tenants', false);
    const ofUser = [...streams].filter((stream) => stream.userId === userId);
    if (streams.size >= streamsMax || ofUser.length >= streamsOfUserMax) {
      throw new OperatingError('unavailable', 'Too many streams of events are open; close some.');
    }
    const { token } = request;
    let facts: TokenFacts = request.tokenFacts;
    const stream = { userId, end: new AbortController() };
    streams.add(stream);
    reply.raw.once('close', () => {
      streams.delete(stream);
      stream.end.abort();
    });
    const events = eventStream({
      log,
      clock,
      scheduler: systemScheduler,
      lastId: lastIdOf(request),
      isVisible: (change) => isVisible(change, request.caller, everyProject),
      validate: async () => (facts = await sameCaller(identity, token, facts)),
      signal: stream.end.signal,
    });
    reply.header('cache-control', 'no-store').header('x-accel-buffering', 'no');
    return reply.type('text/event-stream').send(Readable.from(events, { highWaterMark: 16 }));
  });
}

function lastIdOf(request: FastifyRequest): string | undefined {
  const header = request.headers['last-event-id'];
  return typeof header === 'string' ? header : undefined;
}

/** What the token says now; the stream ends when that is less than when it began. */
async function sameCaller(
  identity: Identity,
  token: string,
  before: TokenFacts,
): Promise<TokenFacts> {
  const facts = await identity.validate(token);
  const roles = new Set(facts.roles.map((role) => role.id));
  if (before.roles.every((role) => roles.has(role.id))) return facts;
  throw new OperatingError('unauthenticated', 'The roles of the token have changed.');
}

function isVisible(change: Change, caller: Caller, everyProject: boolean): boolean {
  const { table, projectId } = change;
  if (forEverybody.has(table)) return true;
  if (forAdmins.has(table)) return isAdmin(caller);
  if (!tableOf(table).ofProjects && table !== 'jobs') return false;
  return projectId === caller.projectId || (everyProject && isAdmin(caller));
}

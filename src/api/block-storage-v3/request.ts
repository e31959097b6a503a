/** What the routes of all resources ask of a request. */
import type { FastifyRequest } from 'fastify';
import { OperatingError } from '../../base/errors.ts';
import { isAdmin } from '../../operation/scope.ts';
import { noSuchRoute } from '../errors.ts';
import type { Viewer } from './view.ts';

export type ById = FastifyRequest<{ Params: { id: string } }>;
export type ByKey = FastifyRequest<{ Params: { id: string; key: string } }>;

export function viewerOf(request: FastifyRequest, publicUrl: string): Viewer {
  const { caller, microversion } = request;
  return {
    microversion,
    isAdmin: isAdmin(caller),
    projectId: caller.projectId,
    publicUrl,
  };
}

/** Rejects with `not_found`, as Cinder does, what came with a later microversion. */
export function since(request: FastifyRequest, microversion: number): void {
  if (request.microversion < microversion) throw noSuchRoute();
}

/** The one action of an action's body, and its arguments. */
export function actionOf(body: unknown): { name: string; body: object } {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    const [name, ...others] = Object.keys(body);
    if (name !== undefined && others.length === 0) return { name, body };
  }
  throw new OperatingError('invalid_input', 'The request body names no action, or several.');
}

export function noSuchAction(name: string): OperatingError {
  return new OperatingError(
    'invalid_input',
    `There is no such action: ${name.slice(0, 100)}. Verify the request body and Content-Type ` +
      'header and try again.',
  );
}

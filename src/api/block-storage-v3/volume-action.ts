/** Actions of `POST /volumes/{id}/action`: what each takes, and what it does. */
import type { Static, TSchema } from 'typebox';
import type { OperationNeeds } from '../../operation/needs.ts';
import { parseBody } from '../body.ts';
import { since, type ById } from './request.ts';

export interface VolumeAction {
  readonly schema: TSchema;
  /** The status of the answer. */
  readonly status: number;
  /** Checks the body and does it; what it resolves with is the answer's body. */
  perform(operations: OperationNeeds, request: ById): Promise<object | undefined>;
}

export type VolumeActions = Readonly<Record<string, VolumeAction>>;

/** An action whose body is as `schema` says. `act` is given the whole body, name included. */
export function volumeAction<S extends TSchema>(
  schema: S,
  act: (operations: OperationNeeds, request: ById, given: Static<S>) => Promise<object | void>,
  status = 202,
): VolumeAction {
  return {
    schema,
    status,
    async perform(operations, request) {
      const given = parseBody(schema, request.body);
      return (await act(operations, request, given)) ?? undefined;
    },
  };
}

/** The same, which came with 3.NN: before that it is not there, whatever the body holds. */
export function laterAction(microversion: number, action: VolumeAction): VolumeAction {
  return {
    ...action,
    async perform(operations, request) {
      since(request, microversion);
      return await action.perform(operations, request);
    },
  };
}

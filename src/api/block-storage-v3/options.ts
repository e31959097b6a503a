import type { Identity } from '../../identity/identity.ts';
import type { OperationNeeds } from '../../operation/needs.ts';

export interface BlockStorageV3Options {
  readonly identity: Identity;
  /** Without a slash at the end. */
  readonly publicUrl: string;
  readonly operations: OperationNeeds;
}

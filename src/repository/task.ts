/** What the threads of a repository are asked; what each task does is said in worker.ts. */

export type TaskKind = 'hash' | 'diff' | 'seal' | 'open';

export interface TaskMessage {
  readonly number: number;
  readonly kind: TaskKind;
  readonly memory: SharedArrayBuffer;
  readonly count: number;
  readonly masterKey: Uint8Array;
  readonly repositoryId: string;
}

/** The message after which a thread ends. */
export const endMessage = 'end';

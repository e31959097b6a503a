import type { Command } from 'commander';
import type { Client } from '../client/client.ts';
import type { ConfigSource } from '../server/config-source.ts';

/** Where text goes; a terminal can rewrite its last line. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** `onDone` is called when the text has gone. */
  write(text: string | Uint8Array, onDone?: () => void): unknown;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command sees of the world. */
export interface Context {
  readonly environment: Environment;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Signs in with what the options of `command` and the environment say. */
  readonly connect: (command: Command) => Promise<Client>;
  /** Runs the service until it is told to stop. */
  readonly serve: (source: ConfigSource) => Promise<void>;
}

/** Adds one command to its parent. */
export type AddCommand = (parent: Command, context: Context) => void;

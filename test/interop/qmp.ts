/** QEMU's monitor (QMP): one JSON object a line, answers between events. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { OperatingError } from '../../src/base/errors.ts';
import { isJsonObject, type JsonObject } from '../../src/base/json.ts';

export class Qmp {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  /** Connects to the unix socket of a QEMU that runs. */
  static async connect(path: string): Promise<Qmp> {
    const socket = connect(path);
    await once(socket, 'connect');
    const monitor = new Qmp(socket);
    await monitor.execute('qmp_capabilities');
    return monitor;
  }

  /** Runs a command that must work; rejects with what QEMU says when it does not. */
  async execute(command: string, args: JsonObject = {}): Promise<void> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      const said: unknown =
        done === true ? { error: { desc: 'QEMU has ended' } } : JSON.parse(value);
      if (!isJsonObject(said)) continue;
      if ('return' in said) return;
      const { error } = said;
      if (isJsonObject(error))
        throw new OperatingError('io', `${command}: ${JSON.stringify(error['desc'])}`);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

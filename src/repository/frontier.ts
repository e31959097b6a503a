import { must } from '../base/assert.ts';

/** A place in the order of the volume that is taken, but not yet known until it is settled. */
export interface Ticket {
  endBytes: number | undefined;
  lengthBytes: number;
}

/**
 * Knows up to where a volume was handed over, when pieces are begun in the order of their offsets
 * and finished in any order: no piece that is still to come begins before `bytes`.
 */
export class Frontier {
  readonly #tickets: Ticket[] = [];
  bytes = 0;
  /** How much the pieces that end before `bytes` hold together, where their lengths are told. */
  settledBytes = 0;

  take(): Ticket {
    const ticket = { endBytes: undefined, lengthBytes: 0 };
    this.#tickets.push(ticket);
    return ticket;
  }

  settle(ticket: Ticket, endBytes: number, lengthBytes = 0): void {
    ticket.endBytes = endBytes;
    ticket.lengthBytes = lengthBytes;
    while (this.#tickets[0]?.endBytes !== undefined) {
      const first = must(this.#tickets.shift(), 'ticket');
      this.bytes = Math.max(this.bytes, first.endBytes ?? 0);
      this.settledBytes += first.lengthBytes;
    }
  }
}

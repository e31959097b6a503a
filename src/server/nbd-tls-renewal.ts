import { messageOf } from '../base/errors.ts';
import type { NbdTls } from '../nbd/tls.ts';

export interface RenewalOptions {
  readonly current: NbdTls;
  /** Reads and checks the files. */
  readonly read: () => Promise<NbdTls>;
  readonly use: (tls: NbdTls) => Promise<void>;
  /** Hears once of each new reason why the files cannot be used. */
  readonly onProblem: (error: unknown) => void;
  readonly everyMs?: number;
}

const minuteMs = 60_000;

/**
 * Looks every minute whether the operator's certificates were replaced, and uses those that are
 * there then. While the files cannot be used (one is replaced and the other not yet, or they have
 * expired) those in use stay. The returned function ends it.
 */
export function renewNbdTls(options: RenewalOptions): () => Promise<void> {
  let current = options.current;
  let problem: string | undefined;
  let looking = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const found = await options.read();
      if (!isEqual(found, current)) await options.use(found);
      current = found;
      problem = undefined;
    } catch (error) {
      if (messageOf(error) !== problem) options.onProblem(error);
      problem = messageOf(error);
    }
  };
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, options.everyMs ?? minuteMs).unref();
  return () => {
    clearInterval(timer);
    return looking;
  };
}

function isEqual(one: NbdTls, other: NbdTls): boolean {
  return (
    one.certificate === other.certificate &&
    one.key === other.key &&
    one.clientAuthority === other.clientAuthority
  );
}

import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process somebody is, so that others can tell when it is gone. */
export interface ProcessIdentity {
  /** For people. */
  readonly host: string;
  /** The boot of the machine and the namespace in which the number counts; empty: not known. */
  readonly machine: string;
  readonly pid: number;
  /** When the process began, in ticks since the boot: numbers are given again. */
  readonly started: string;
}

let own: ProcessIdentity | undefined;

/** This process. */
export function processIdentity(): ProcessIdentity {
  const { pid } = process;
  own ??= { host: hostname(), machine: machineHere(), pid, started: startOf(pid) ?? '' };
  return own;
}

/**
 * True when a process has surely ended: it ran in this boot of this machine, among the processes
 * that are seen from here, and is not there any more. False when that cannot be known.
 */
export function isProcessGone({ machine, pid, started }: ProcessIdentity): boolean {
  if (machine === '' || machine !== processIdentity().machine || started === '') return false;
  return startOf(pid) !== started;
}

function machineHere(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

/** Undefined when there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    // The name of the program, in brackets, may hold blanks and brackets itself: proc(5).
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended, and waits only for its parent to look.
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

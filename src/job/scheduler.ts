/** Work at a later time, as an argument: a test can be the scheduler, and needs no sleep then. */
export interface Scheduler {
  /** Calls `work` once, after `delayMs` or a little later. */
  after(delayMs: number, work: () => void): Scheduled;
}

export interface Scheduled {
  /** The call is not made, if it has not been made yet. */
  cancel(): void;
}

export const systemScheduler: Scheduler = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

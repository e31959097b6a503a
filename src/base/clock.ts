/** The time, as an argument: whatever depends on it takes a clock, so that a test can be one. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Milliseconds that never run backwards, for durations and rates. */
export function monotonicMs(): number {
  return performance.now();
}

/** An ISO 8601 time in UTC without zone and with microseconds, as Block Storage v3 writes it. */
export function isoMicros(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000`;
}

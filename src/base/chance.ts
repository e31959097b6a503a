/** Chance, as an argument: whatever depends on it takes a function, so that a test can choose. */

/** A number from 0 up to 1; not for secrets. */
export function randomUnit(): number {
  return Math.random();
}

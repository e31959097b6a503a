/** Figures as people read them. */

const byteUnits = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), byteUnits.length - 1);
  const value = bytes / 1024 ** power;
  return `${value.toFixed(value < 10 && power > 1 ? 1 : 0)} ${byteUnits[power] ?? ''}`;
}

export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const hours = Math.floor(whole / 3600);
  if (hours < 48) return `${hours} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(hours / 24)} days`;
}

const dateFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** Times of the API have no zone and are UTC. */
export function instantOf(time: string): Date {
  return new Date(/Z$|[+-]\d\d:?\d\d$/.test(time) ? time : `${time}Z`);
}

export function timeText(time: string | null | undefined): string {
  return time === null || time === undefined ? '-' : dateFormat.format(instantOf(time));
}

/** How long ago, in words: `3 min ago`. */
export function agoText(time: string, nowMs: number): string {
  const seconds = (nowMs - instantOf(time).getTime()) / 1000;
  if (seconds < 60) return 'just now';
  const [amount, unit] =
    seconds < 3600
      ? [Math.floor(seconds / 60), 'min']
      : seconds < 86_400
        ? [Math.floor(seconds / 3600), 'h']
        : [Math.floor(seconds / 86_400), 'days'];
  return `${amount} ${unit} ago`;
}

export const yesNo = (value: boolean): string => (value ? 'Yes' : 'No');

/** A name, or the id of what has none. */
export function nameOf(thing: { readonly id: string; readonly name: string | null }): string {
  return thing.name === null || thing.name === '' ? thing.id : thing.name;
}

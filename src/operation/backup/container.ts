import { OperatingError } from '../../base/errors.ts';

/** Where backups go when no container is named. */
export const containerDefault = 'volumebackups';

/** What every kind of store takes as the name of a container, and no path can be made of. */
const containerPattern = /^[A-Za-z0-9][A-Za-z0-9\-_.]{0,127}$/;

/** The container that a client names, or the default one for null and an empty name. */
export function containerFor(name: string | null): string {
  const container = name === null || name === '' ? containerDefault : name;
  if (containerPattern.test(container)) return container;
  throw new OperatingError(
    'invalid_input',
    'Invalid input received: A container name has 1 to 128 letters, digits, dots, dashes and ' +
      'underscores, and begins with a letter or digit.',
    { field: 'container' },
  );
}

/** Short notes top right, as in Horizon: what succeeded fades, what failed stays. */
import { notifications } from '@mantine/notifications';
import { adviceFor } from '../api/advice.ts';
import { ApiError } from '../api/http.ts';

const fadesAfterMs = 4500;

type Toast = Parameters<typeof notifications.show>[0];

function show(toast: Toast): void {
  notifications.show({ closeButtonProps: { 'aria-label': 'Close' }, ...toast });
}

export function toastSuccess(message: string): void {
  show({ title: 'Success', message, color: 'teal', autoClose: fadesAfterMs });
}

export function toastInfo(message: string): void {
  show({ title: 'Info', message, color: 'blue', autoClose: fadesAfterMs });
}

/** What failed, in the API's words, and what to do about it. */
export function toastError(what: string, error?: unknown): void {
  show({
    title: what,
    message: error === undefined ? '' : errorText(error),
    color: 'red',
    autoClose: false,
    role: 'alert',
  });
}

export function clearToasts(): void {
  notifications.clean();
}

/** The API's words, what to do, and the request to look for in the log. */
export function errorText(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  const request =
    error instanceof ApiError && error.status >= 500 && error.requestId !== null
      ? `Request: ${error.requestId}`
      : undefined;
  return [words, adviceFor(error), request].filter((part) => part !== undefined).join(' ');
}

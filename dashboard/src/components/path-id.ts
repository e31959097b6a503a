import { useParams } from '@tanstack/react-router';

/** The `$id` of the page's path. */
export function usePathId(): string {
  const params: Record<string, string | undefined> = useParams({ strict: false });
  return params['id'] ?? '';
}

import { useRouter } from '@tanstack/react-router';

/** Goes to a page of the dashboard; the way back leads here. */
export function useNavigateTo(): (path: string) => void {
  const router = useRouter();
  return (path) => router.history.push(path);
}

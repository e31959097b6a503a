import { useRouter } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';

/** Goes to another page in place of this one. */
export function Redirect({ to }: { to: string }): ReactNode {
  const router = useRouter();
  useEffect(() => router.history.replace(to), [router, to]);
  return null;
}

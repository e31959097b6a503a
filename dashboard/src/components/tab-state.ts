import { useNavigate, useSearch } from '@tanstack/react-router';

/** The open tab of a page, kept in the URL. */
export function useTab(initial: string): [string, (tab: string | null) => void] {
  const { tab }: { tab?: string } = useSearch({ strict: false });
  const navigate = useNavigate();
  const setTab = (next: string | null): void => {
    const search = next === null || next === initial ? {} : { tab: next };
    void navigate({ to: '.', search, replace: true });
  };
  return [tab ?? initial, setTab];
}

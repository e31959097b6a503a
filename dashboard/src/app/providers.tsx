import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { theme } from './theme.ts';

interface ProvidersProps {
  readonly queries: QueryClient;
  readonly children: ReactNode;
}

/**
 * What every page needs, whichever entry it belongs to. Mantine makes no style sheets at run time
 * here, as the page's policy forbids them: its variables are in theme.css.
 */
export function Providers({ queries, children }: ProvidersProps): ReactNode {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={queries}>
        <Notifications position="top-right" limit={6} zIndex={400} />
        {children}
      </QueryClientProvider>
    </MantineProvider>
  );
}

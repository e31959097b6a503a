import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './theme.css';
import './layout.css';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { followLinks } from './links.ts';
import { Providers } from './providers.tsx';
import { queries } from './queries.ts';
import { createDashboardRouter } from './router.tsx';

const router = createDashboardRouter(queries);
followLinks(router);

const root = document.querySelector('#root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <Providers queries={queries}>
      <RouterProvider router={router} />
    </Providers>
  </StrictMode>,
);

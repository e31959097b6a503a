import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '../app/theme.css';
import '../app/layout.css';
import './portal.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Providers } from '../app/providers.tsx';
import { queries } from '../app/queries.ts';
import { Portal } from './portal.tsx';

const root = document.querySelector('#root');
if (root === null) throw new Error('portal.html has no #root');
createRoot(root).render(
  <StrictMode>
    <Providers queries={queries}>
      <Portal queries={queries} />
    </Providers>
  </StrictMode>,
);

import type { ReactNode } from 'react';
import { PageHeading } from '../../components/page-heading.tsx';
import { MessageList } from './message-list.tsx';

export function Page(): ReactNode {
  return (
    <>
      <PageHeading title="Messages" path={[{ label: 'Project' }]} />
      <MessageList where={{}} hasResource />
    </>
  );
}

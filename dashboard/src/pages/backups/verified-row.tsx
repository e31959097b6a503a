import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { backupFiguresQuery } from '../../api/backups.ts';
import { Verified } from './verified.tsx';

export function VerifiedRow({ id }: { id: string }): ReactNode {
  const { data: figures } = useQuery(backupFiguresQuery(id));
  if (figures === undefined || figures.status === 'creating') return '-';
  return <Verified verification={figures.verification} />;
}

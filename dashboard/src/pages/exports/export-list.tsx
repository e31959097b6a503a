import { Button, Table, Text, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { endExport, type Exported, exportsQuery } from '../../api/exports.ts';
import { toastError, toastSuccess } from '../../components/toasts.ts';

/** Where a snapshot or backup can be read over the network just now. */
export function ExportList({ of }: { of: Exported }): ReactNode {
  const { data: exports = [] } = useQuery(exportsQuery(of));
  const end = useMutation({
    mutationFn: (exportId: string) => endExport(of, exportId),
    onSuccess: () => toastSuccess('The address is ended.'),
    onError: (error) => toastError('The address could not be ended.', error),
  });
  return (
    <section>
      <Title order={2} size="h4">
        Readable over NBD
      </Title>
      {exports.length === 0 ? (
        <Text c="dimmed">Nowhere. “Mount” makes it a read-only disk over the network.</Text>
      ) : (
        <Table>
          <Table.Tbody>
            {exports.map(({ id, host, uri, connections }) => (
              <Table.Tr key={id}>
                <Table.Td className="any-break">
                  {uri ?? 'The address is for members.'}
                  <Text size="sm" c="dimmed">
                    {host ?? 'no host named'}, {connections} connection
                    {connections === 1 ? '' : 's'}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <Button size="xs" color="red" onClick={() => end.mutate(id)}>
                    End
                  </Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </section>
  );
}

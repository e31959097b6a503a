import { Button, Table } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Assignment, assignmentsQuery, revokeRole } from '../../api/directory.ts';
import { toastError } from '../../components/toasts.ts';

/** Who has which role in a project; each can be taken away. */
export function Members({ projectId }: { projectId: string }): ReactNode {
  const queries = useQueryClient();
  const { data: assignments = [] } = useQuery(assignmentsQuery({ 'scope.project.id': projectId }));
  const { mutate } = useMutation({
    mutationFn: async ({ user, role }: Assignment) => {
      if (user !== undefined) await revokeRole(projectId, user.id, role.id);
      await queries.invalidateQueries({ queryKey: ['role_assignments'] });
    },
    onError: (error) => toastError('Unable to take the role away.', error),
  });
  const ofUsers = assignments.filter(({ user }) => user !== undefined);
  if (ofUsers.length === 0) return <p>Nobody has a role in it yet.</p>;
  return (
    <Table aria-label="Members">
      <Table.Tbody>
        {ofUsers.map((assignment) => (
          <Table.Tr key={`${assignment.user?.id} ${assignment.role.id}`}>
            <Table.Td>{assignment.user?.name}</Table.Td>
            <Table.Td>{assignment.role.name}</Table.Td>
            <Table.Td>
              <Button
                size="compact-xs"
                color="red"
                aria-label={`Take ${assignment.role.name} from ${assignment.user?.name ?? ''}`}
                onClick={() => mutate(assignment)}
              >
                Remove
              </Button>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

import { Alert, Button, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { errorText } from '../components/toasts.ts';

export function NotFound(): ReactNode {
  return (
    <div className="empty">
      <Title order={1}>There is no such page</Title>
      <p>The address may be mistyped, or from another version of Firn.</p>
      <Button component="a" href="/">
        To the overview
      </Button>
    </div>
  );
}

export function PageProblem({ error }: { error: unknown }): ReactNode {
  return (
    <Alert color="red" title="This page does not work." role="alert" m="md">
      {errorText(error)}
      <p>
        <Button variant="default" onClick={() => location.reload()}>
          Reload the page
        </Button>
      </p>
    </Alert>
  );
}

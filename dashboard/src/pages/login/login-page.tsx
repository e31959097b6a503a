import { Alert, Button, PasswordInput, TextInput, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { ApiError, Unreachable } from '../../api/http.ts';
import { enterSession, logIn } from '../../api/session.ts';
import logo from '../../app/firn.svg';

/** Horizon's words for what can go wrong. */
function problemText(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) return 'Invalid credentials.';
  if (error instanceof Unreachable) return 'Unable to establish connection to keystone endpoint.';
  return error instanceof Error ? error.message : String(error);
}

export function LoginPage(): ReactNode {
  useDocumentTitle('Log in - Firn');
  const queries = useQueryClient();
  const [userName, setUserName] = useState('');
  const [password, setPassword] = useState('');
  const [domain, setDomain] = useState('Default');
  const { mutate, error, data, isPending } = useMutation({
    mutationFn: logIn,
    onSuccess: (session) => enterSession(queries, session),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate({ userName, password, domain });
  };
  const isHomeless = data !== undefined && data.project === undefined;
  return (
    <main className="login">
      <form className="login-card" onSubmit={submit}>
        <img src={logo} alt="" width={48} height={48} />
        <Title order={1} size="h2">
          Log in
        </Title>
        {error !== null && (
          <Alert color="red" role="alert" title={problemText(error)}>
            {error instanceof Unreachable ? 'Is Firn running? Try again in a moment.' : null}
          </Alert>
        )}
        {isHomeless && (
          <Alert color="red" role="alert" title="You are not authorized for any projects.">
            Ask an administrator for a role in a project.
          </Alert>
        )}
        <TextInput
          label="User Name"
          name="username"
          autoComplete="username"
          required
          autoFocus
          value={userName}
          onChange={(event) => setUserName(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <details className="login-domain">
          <summary>Domain: {domain}</summary>
          <TextInput
            aria-label="Domain"
            name="domain"
            required
            value={domain}
            onChange={(event) => setDomain(event.currentTarget.value)}
          />
        </details>
        <Button type="submit" loading={isPending} fullWidth>
          Sign In
        </Button>
      </form>
    </main>
  );
}

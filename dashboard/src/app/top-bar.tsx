import { Burger, Button, Menu, useMantineColorScheme } from '@mantine/core';
import { IconChevronDown, IconFolder, IconPlugX, IconUser } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  chooseProject,
  enterSession,
  logOut,
  ownProjectsQuery,
  type Session,
} from '../api/session.ts';
import { toastError } from '../components/toasts.ts';
import { downloadOpenrc } from '../pages/api-access/credential-files.ts';
import logo from './firn.svg';
import type { Liveness } from './live-changes.ts';

interface TopBarProps {
  readonly session: Session;
  readonly liveness: Liveness;
  readonly isMenuOpen: boolean;
  readonly onMenu: () => void;
}

export function TopBar({ session, liveness, isMenuOpen, onMenu }: TopBarProps): ReactNode {
  return (
    <header className="top">
      <Burger
        className="burger"
        opened={isMenuOpen}
        onClick={onMenu}
        size="sm"
        color="var(--firn-top-text)"
        aria-label="Menu"
        aria-expanded={isMenuOpen}
        aria-controls="navigation"
      />
      <a className="brand" href="/">
        <img src={logo} alt="" width={28} height={28} />
        Firn
      </a>
      <ProjectPicker session={session} />
      <span className="spacer" />
      {liveness === 'lost' && (
        <output className="lost">
          <IconPlugX size={16} aria-hidden />
          <span>Firn does not answer. You see what was known last; it goes on by itself.</span>
        </output>
      )}
      <UserMenu session={session} />
    </header>
  );
}

function ProjectPicker({ session }: { session: Session }): ReactNode {
  const queries = useQueryClient();
  const { data: projects = [] } = useQuery(ownProjectsQuery);
  const { mutate, isPending } = useMutation({
    mutationFn: chooseProject,
    onSuccess: (next) => enterSession(queries, next),
    onError: (error) => toastError('The project could not be changed.', error),
  });
  const domain = session.project?.domain.name ?? '';
  return (
    <Menu transitionProps={{ duration: 0 }}>
      <Menu.Target>
        <Button
          className="top-button"
          variant="transparent"
          loading={isPending}
          leftSection={<IconFolder size={16} aria-hidden />}
          rightSection={<IconChevronDown size={14} aria-hidden />}
          aria-label={`Project ${domain} • ${session.project?.name ?? ''}`}
        >
          <span className="domain">{domain} •</span> {session.project?.name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Projects</Menu.Label>
        {projects.map(({ id, name }) => (
          <Menu.Item
            key={id}
            onClick={() => mutate(id)}
            {...(id === session.project?.id ? { 'aria-current': 'true' } : {})}
          >
            {name}
            {id === session.project?.id ? ' ✓' : ''}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function UserMenu({ session }: { session: Session }): ReactNode {
  const queries = useQueryClient();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { mutate: leave } = useMutation({
    mutationFn: logOut,
    onSettled: () => enterSession(queries, null),
  });
  const themes = [
    ['auto', 'As the system'],
    ['light', 'Light'],
    ['dark', 'Dark'],
  ] as const;
  return (
    <Menu transitionProps={{ duration: 0 }} position="bottom-end">
      <Menu.Target>
        <Button
          className="top-button"
          variant="transparent"
          leftSection={<IconUser size={16} aria-hidden />}
          rightSection={<IconChevronDown size={14} aria-hidden />}
          aria-label={`User ${session.user.name}`}
        >
          <span className="user-name">{session.user.name}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href="/portal">
          Portal
        </Menu.Item>
        <Menu.Item component="a" href="/project/api_access">
          API Access
        </Menu.Item>
        <Menu.Item onClick={() => downloadOpenrc(session)}>OpenStack RC File</Menu.Item>
        <Menu.Divider />
        <Menu.Label>Themes</Menu.Label>
        {themes.map(([value, label]) => (
          <Menu.Item key={value} onClick={() => setColorScheme(value)}>
            {label}
            {value === colorScheme ? ' ✓' : ''}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => leave()}>Sign Out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

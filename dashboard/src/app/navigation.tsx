import { NavLink } from '@mantine/core';
import { IconBuilding, IconSettings, IconUsers } from '@tabler/icons-react';
import { useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { isAdmin } from '../api/session.ts';
import { useSession } from './session-context.ts';

interface Entry {
  readonly label: string;
  readonly href: string;
}

interface Panel extends Partial<Entry> {
  readonly label: string;
  readonly entries?: readonly Entry[];
}

interface Section {
  readonly label: string;
  readonly icon: ReactNode;
  readonly isForAdmins?: boolean;
  readonly panels: readonly Panel[];
}

const size = { size: 18, 'aria-hidden': true } as const;

/** The side bar, in Horizon's order and words. */
const sections: readonly Section[] = [
  {
    label: 'Project',
    icon: <IconBuilding {...size} />,
    panels: [
      { label: 'Overview', href: '/' },
      { label: 'API Access', href: '/project/api_access' },
      {
        label: 'Volumes',
        entries: [
          { label: 'Volumes', href: '/project/volumes' },
          { label: 'Backups', href: '/project/backups' },
          { label: 'Snapshots', href: '/project/snapshots' },
          { label: 'Groups', href: '/project/volume_groups' },
          { label: 'Group Snapshots', href: '/project/vg_snapshots' },
        ],
      },
      {
        label: 'Protection',
        entries: [
          { label: 'Plans', href: '/project/plans' },
          { label: 'Holds', href: '/project/holds' },
        ],
      },
      { label: 'Images', href: '/project/images' },
      { label: 'Messages', href: '/project/messages' },
      { label: 'Quotas', href: '/project/quotas' },
      { label: 'Audit', href: '/project/audit' },
    ],
  },
  {
    label: 'Admin',
    icon: <IconSettings {...size} />,
    isForAdmins: true,
    panels: [
      { label: 'Volume Types', href: '/admin/volume_types' },
      { label: 'System Information', href: '/admin/services' },
    ],
  },
  {
    label: 'Identity',
    icon: <IconUsers {...size} />,
    isForAdmins: true,
    panels: [
      { label: 'Projects', href: '/identity/projects' },
      { label: 'Users', href: '/identity/users' },
    ],
  },
];

export function Navigation({ isOpen }: { isOpen: boolean }): ReactNode {
  const admin = isAdmin(useSession());
  const shown = sections.filter((section) => admin || section.isForAdmins !== true);
  return (
    <nav className="navigation" aria-label="Main" data-open={isOpen} id="navigation">
      {shown.map(({ label, icon, panels }) => (
        <NavLink key={label} component="button" label={label} leftSection={icon} defaultOpened>
          {panels.map((panel) => (
            <PanelLink key={panel.label} panel={panel} />
          ))}
        </NavLink>
      ))}
    </nav>
  );
}

function PanelLink({ panel }: { panel: Panel }): ReactNode {
  const { label, href, entries } = panel;
  if (href !== undefined) return <EntryLink label={label} href={href} />;
  return (
    <NavLink component="button" label={label} defaultOpened>
      {entries?.map((entry) => (
        <EntryLink key={entry.href} {...entry} />
      ))}
    </NavLink>
  );
}

function EntryLink({ label, href }: Entry): ReactNode {
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const isActive = href === '/' ? pathname === '/' : `${pathname}/`.startsWith(`${href}/`);
  return (
    <NavLink
      href={href}
      label={label}
      active={isActive}
      {...(isActive ? { 'aria-current': 'page' } : {})}
    />
  );
}

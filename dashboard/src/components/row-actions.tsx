import { ActionIcon, Button, Menu } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import type { ReactNode } from 'react';

export interface RowAction<R> {
  readonly label: string;
  /** Always offered without. */
  readonly isOffered?: (row: R) => boolean;
  /** Marked red: it destroys something. */
  readonly isDangerous?: boolean;
  readonly run: (row: R) => void;
}

interface RowActionsProps<R> {
  readonly row: R;
  /** For screen readers: what the actions are about. */
  readonly name: string;
  readonly actions: readonly RowAction<R>[];
}

/** The first action that is offered is a button, the others are in its menu. */
export function RowActions<R>({ row, name, actions }: RowActionsProps<R>): ReactNode {
  const offered = actions.filter((action) => action.isOffered?.(row) !== false);
  const [first, ...others] = offered;
  if (first === undefined) return null;
  return (
    <Button.Group className="row-actions">
      <Button
        size="xs"
        variant={first.isDangerous === true ? 'filled' : 'default'}
        {...(first.isDangerous === true ? { color: 'red' } : {})}
        onClick={() => first.run(row)}
      >
        {first.label}
      </Button>
      {others.length > 0 && (
        <Menu position="bottom-end" transitionProps={{ duration: 0 }} returnFocus withinPortal>
          <Menu.Target>
            <ActionIcon
              variant="default"
              size={30}
              className="row-menu"
              aria-label={`More actions for ${name}`}
            >
              <IconChevronDown size={16} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {others.map((action) => (
              <Menu.Item
                key={action.label}
                {...(action.isDangerous === true ? { color: 'red' } : {})}
                onClick={() => action.run(row)}
              >
                {action.label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </Button.Group>
  );
}

import { Anchor, Breadcrumbs, Group, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';

export interface Crumb {
  readonly label: string;
  readonly href?: string;
}

interface PageHeadingProps {
  readonly title: string;
  /** The way to this page, without it. */
  readonly path: readonly Crumb[];
  readonly aside?: ReactNode;
}

export function PageHeading({ title, path, aside }: PageHeadingProps): ReactNode {
  useDocumentTitle(`${title} - Firn`);
  return (
    <header className="page-heading">
      <Breadcrumbs component="nav" aria-label="Breadcrumb" separatorMargin={6}>
        {path.map(({ label, href }) =>
          href === undefined ? (
            <Text key={label} size="sm" c="dimmed">
              {label}
            </Text>
          ) : (
            <Anchor key={label} size="sm" href={href}>
              {label}
            </Anchor>
          ),
        )}
        <Text size="sm" className="any-break" aria-current="page">
          {title}
        </Text>
      </Breadcrumbs>
      <Group justify="space-between" align="center" gap="sm">
        <Title order={1} size="h2" className="any-break" dir="auto">
          {title}
        </Title>
        {aside}
      </Group>
    </header>
  );
}

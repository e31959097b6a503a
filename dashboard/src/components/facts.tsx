import { Anchor, Title } from '@mantine/core';
import { Fragment, type ReactNode } from 'react';
import { nameOf } from './quantities.ts';

interface FactsProps {
  readonly title?: string;
  /** Names with what they are; undefined values are left out. */
  readonly facts: Readonly<Record<string, ReactNode>>;
}

/** A list of facts, as on the Overview of a detail page. */
export function Facts({ title, facts }: FactsProps): ReactNode {
  const shown = Object.entries(facts).filter(([, value]) => value !== undefined);
  return (
    <section className="facts">
      {title !== undefined && (
        <Title order={2} size="h4">
          {title}
        </Title>
      )}
      <dl>
        {shown.map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd className="any-break">{value === null || value === '' ? '-' : value}</dd>
          </Fragment>
        ))}
      </dl>
    </section>
  );
}

export function MetadataFacts(props: {
  readonly metadata: Readonly<Record<string, string>>;
}): ReactNode {
  const entries = Object.entries(props.metadata);
  return <Facts title="Metadata" facts={entries.length === 0 ? { None: '' } : props.metadata} />;
}

/** A link to another page of the dashboard. */
export function PageLink(props: { readonly to: string; readonly children: ReactNode }): ReactNode {
  return (
    <Anchor href={props.to} className="any-break" inherit>
      {props.children}
    </Anchor>
  );
}

/** The name of a table's row, which leads to its page; in its own direction of writing. */
export function NameLink(props: {
  readonly folder: string;
  readonly row: { readonly id: string; readonly name: string | null };
}): ReactNode {
  const { folder, row } = props;
  const name = nameOf(row);
  return (
    <Anchor href={`${folder}/${row.id}`} className="any-break name" title={name} dir="auto" inherit>
      {name}
    </Anchor>
  );
}

/** Horizon cuts descriptions in tables after this many characters. */
const cutAfter = 40;

export function CutText({ text }: { readonly text: string | null | undefined }): ReactNode {
  if (text === null || text === undefined || text === '') return '-';
  if (text.length <= cutAfter) return <span className="description">{text}</span>;
  return (
    <span title={text} className="description">
      {text.slice(0, cutAfter)}…
    </span>
  );
}

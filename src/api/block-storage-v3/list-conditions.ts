/** Filters of lists, by microversion: which there are, and what the others come to. */
import { OperatingError } from '../../base/errors.ts';
import type { Where } from '../../catalog/catalog.ts';
import type { TableName } from '../../catalog/tables.ts';
import type { Query } from '../query.ts';

export type Conditions<T extends TableName> = Partial<Omit<Where<T>, 'projectId'>>;

export interface FilterFace<T extends TableName> {
  /** A filter makes a condition of a value. */
  readonly filters: Readonly<
    Record<string, (value: string, microversion: number) => Conditions<T>>
  >;
  /** Filters that came with a microversion; before it they are passed over. */
  readonly filtersSince?: Readonly<Record<string, number>>;
  /**
   * Said for lists that take no filter which they do not know: what else may stand in the query,
   * besides that of every list.
   */
  readonly known?: readonly string[];
}

/** A text is also found by a part of it, with `~` after the filter's name. */
const likeSince = 34;

/** Unknown filters are refused to whoever is no administrator. */
const refusedSince = 31;

const ofEveryList: readonly string[] = [
  'limit',
  'marker',
  'offset',
  'sort',
  'sort_key',
  'sort_dir',
  'with_count',
  'all_tenants',
  'project_id',
  'tenant_id',
];

/**
 * The conditions that a query comes to. An unknown filter matches nothing for an administrator, is
 * refused to others, and was passed over for them before 3.31, all as in Cinder.
 */
export function conditionsOf<T extends TableName>(
  face: FilterFace<T>,
  query: Query,
  caller: { readonly microversion: number; readonly isAdmin: boolean },
): Conditions<T> {
  let where: Conditions<T> = {};
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    const condition = conditionOf(face, name, value, caller.microversion);
    if (condition !== undefined) where = { ...where, ...condition };
    else if (!isOfList(face, name)) unknown.push(name);
  }
  if (face.known === undefined || unknown.length === 0) return where;
  if (caller.isAdmin) return { ...where, id: [] };
  if (caller.microversion < refusedSince) return where;
  const names = unknown.map((name) => name.slice(0, 100)).join(',');
  throw new OperatingError(
    'invalid_input',
    `Invalid filters ${names} are found in query options.`,
    { field: unknown[0] ?? 'query' },
  );
}

function isOfList<T extends TableName>({ known }: FilterFace<T>, name: string): boolean {
  return ofEveryList.includes(name) || known?.includes(name) === true;
}

/** Undefined for a filter that is not known. */
function conditionOf<T extends TableName>(
  { filters, filtersSince }: FilterFace<T>,
  name: string,
  value: string,
  microversion: number,
): Conditions<T> | undefined {
  const isLike = name.endsWith('~') && microversion >= likeSince;
  const plain = isLike ? name.slice(0, -1) : name;
  const filter = Object.hasOwn(filters, plain) ? filters[plain] : undefined;
  if (filter === undefined) return undefined;
  if (microversion < (filtersSince?.[plain] ?? 0)) return {};
  const made: Conditions<T> = filter(value, microversion);
  if (!isLike) return made;
  const texts = Object.entries(made).filter(([, condition]) => condition === value);
  return Object.fromEntries(texts.map(([field]) => [field, { like: value }])) as Conditions<T>;
}

/** A layer as far as a collection is concerned. */
export interface CollectedLayer {
  readonly id: string;
  readonly parent: string | null;
}

export interface CollectionPlan {
  /** Layers that nothing leads to, and on which no other one lies any more. */
  readonly removals: readonly string[];
  /** Frozen layers that only their one child needs. */
  readonly merges: readonly { readonly parent: string; readonly child: string }[];
}

/**
 * What may be given back. `roots` are the layers that something refers to directly: heads, names,
 * open devices, and operations under way. A layer is kept when a root leads down to it. One that is
 * kept, is no root itself and has exactly one child that is kept, is only needed by that child.
 * What lies on others goes before these: at any moment every layer that is there has its parent.
 *
 * Nothing may be given back while something that is kept refers to a layer that is not there: the
 * reference may be what is damaged, and have led to any of them. What the others refer to does not
 * matter: where it is missing, it went before what lay on it.
 */
export function planCollection(
  layers: readonly CollectedLayer[],
  roots: ReadonlySet<string>,
): CollectionPlan {
  const parents = new Map(layers.map((layer) => [layer.id, layer.parent]));
  const kept = reachable(parents, roots);
  if ([...kept].some((id) => !parents.has(id))) return { removals: [], merges: [] };
  const children = new Map<string, string[]>();
  for (const { id, parent } of layers) {
    if (parent === null || !kept.has(id)) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [id]);
    else siblings.push(id);
  }
  const under = new Set(layers.map(({ parent }) => parent));
  const removals = layers.flatMap(({ id }) => (kept.has(id) || under.has(id) ? [] : [id]));
  const merges = layers.flatMap(({ id }) => {
    const [child, ...others] = children.get(id) ?? [];
    const isOnly = child !== undefined && others.length === 0;
    return isOnly && kept.has(id) && !roots.has(id) ? [{ parent: id, child }] : [];
  });
  return { removals, merges };
}

/** The roots and all that they lead down to, up to what is not there. */
function reachable(
  parents: ReadonlyMap<string, string | null>,
  roots: ReadonlySet<string>,
): Set<string> {
  const kept = new Set<string>();
  for (const root of roots) {
    for (let next: string | null | undefined = root; next && !kept.has(next);) {
      kept.add(next);
      next = parents.get(next);
    }
  }
  return kept;
}

/** A layer as far as the search for newer heads is concerned. */
export interface HeadCandidate {
  readonly id: string;
  readonly parent: string | null;
}

/**
 * The heads that no record names yet, by the heads that are named: a process that has died between
 * the exchange of a head and the commit of that has left writes in them that it acknowledged.
 *
 * A layer to which nothing leads, which has a log of this boot, and from which only such layers
 * lead down to a head, was a later head of the same volume. Nothing else comes to lie so: what is
 * made on a head for another volume lies on it only after a newer head of its own is named; a head
 * that is made to go back to a snapshot lies on a layer that is no head; and both are written to
 * only when a record names them. Of several such layers the topmost is the newest. Two that do not
 * lie on each other cannot be: then neither is taken.
 *
 * `roots` are all layers that the records name, `heads` those that they name as heads. `hasLog` is
 * asked of layers to which nothing leads.
 */
export async function findNewerHeads(
  layers: ReadonlyMap<string, HeadCandidate>,
  roots: Iterable<string>,
  heads: ReadonlySet<string>,
  hasLog: (id: string) => Promise<boolean>,
): Promise<Map<string, string>> {
  const led = new Set<string>();
  for (const root of roots) {
    for (let next: string | null | undefined = root; next && !led.has(next);) {
      led.add(next);
      next = layers.get(next)?.parent;
    }
  }
  const ways = new Map<string, string[][]>();
  for (const { id } of layers.values()) {
    if (led.has(id) || !(await hasLog(id))) continue;
    const way = new Set<string>();
    let below: string | null | undefined = id;
    while (below && !led.has(below) && !way.has(below)) {
      way.add(below);
      below = layers.get(below)?.parent;
    }
    if (!below || !heads.has(below)) continue;
    ways.set(below, [...(ways.get(below) ?? []), [...way]]);
  }
  const newer = new Map<string, string>();
  for (const [head, found] of ways) {
    const [longest = [], ...others] = found.toSorted((a, b) => b.length - a.length);
    const [top] = longest;
    const isOneWay = others.every(([each]) => each !== undefined && longest.includes(each));
    if (top !== undefined && isOneWay) newer.set(head, top);
  }
  return newer;
}

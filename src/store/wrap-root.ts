import type { Store, StoreRoot } from './store.ts';

/** A root whose containers are all opened as `wrap` makes them. */
export function wrapRoot(root: StoreRoot, wrap: (store: Store) => Store): StoreRoot {
  return {
    url: root.url,
    listingLagMs: root.listingLagMs,
    open: async (container, options) => wrap(await root.open(container, options)),
    containers: () => root.containers(),
    checkContainer: (container) => root.checkContainer(container),
    close: () => root.close(),
  };
}

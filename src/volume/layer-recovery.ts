import type { Layer } from '../layer/layer.ts';
import type { Chain } from './chain.ts';

/**
 * Takes those layers as they are on disk whose flush has failed. Chains that others use keep the
 * layers, and look up anew what these hold.
 */
export async function recoverLayers(
  layers: Iterable<Layer>,
  chains: Iterable<Chain>,
): Promise<void> {
  const using = [...chains];
  for (const layer of layers) {
    if (layer.failure === undefined) continue;
    await layer.recover();
    for (const chain of using) chain.refresh(layer);
  }
}

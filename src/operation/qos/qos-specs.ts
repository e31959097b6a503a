/** Administration of QoS specs: limits of performance that volume types are associated with. */
import { must } from '../../base/assert.ts';
import { OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { Metadata, QosSpecsRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing, OperationNeeds, Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { applyAllLimits } from './apply-limits.ts';
import { demandLimits } from './limits.ts';

/** What a change of limits takes: it reaches the volumes that are in use. */
export type Limiting = Changing & Pick<OperationNeeds, 'exports'>;

export type QosConsumer = QosSpecsRow['consumer'];

export async function findQosSpecs(
  reader: CatalogReader,
  qosSpecsId: string,
): Promise<QosSpecsRow> {
  const row = await reader.find('qosSpecs', { id: qosSpecsId });
  if (row !== undefined) return row;
  throw new OperatingError('not_found', `No such QoS spec ${qosSpecsId}.`);
}

export async function listQosSpecs(
  { catalog }: Reading,
  caller: Caller,
  list: PageRequest<'qosSpecs'>,
): Promise<PageOf<'qosSpecs'>> {
  authorize(caller, 'volume_extension:qos_specs_manage:get_all');
  return await readPage(catalog, 'qosSpecs', {}, list, (id) => catalog.find('qosSpecs', { id }));
}

export async function showQosSpecs(
  { catalog }: Reading,
  caller: Caller,
  qosSpecsId: string,
): Promise<QosSpecsRow> {
  authorize(caller, 'volume_extension:qos_specs_manage:get');
  return await findQosSpecs(catalog, qosSpecsId);
}

export async function createQosSpecs(
  { catalog, clock }: Changing,
  caller: Caller,
  input: { name: string; consumer: QosConsumer; specs: Metadata },
): Promise<QosSpecsRow> {
  authorize(caller, 'volume_extension:qos_specs_manage:create');
  demandLimits(input.specs);
  return await catalog.transact(async (transaction) => {
    if ((await transaction.find('qosSpecs', { name: input.name })) !== undefined) {
      throw new OperatingError('exists', `QoS Specs ${input.name} already exists.`, {
        field: 'name',
      });
    }
    const row = { id: newId(), ...input, createdAt: clock.now(), updatedAt: null };
    await transaction.insert('qosSpecs', row);
    return row;
  });
}

/** Sets some of the specs, and the consumer when one is given. */
export async function updateQosSpecs(
  needs: Limiting,
  caller: Caller,
  qosSpecsId: string,
  update: { consumer: QosConsumer | undefined; specs: Metadata },
): Promise<QosSpecsRow> {
  const { catalog, clock } = needs;
  authorize(caller, 'volume_extension:qos_specs_manage:update');
  const changed = await catalog.transact(async (transaction) => {
    const row = await findQosSpecs(transaction, qosSpecsId);
    const specs = { ...row.specs, ...update.specs };
    demandLimits(specs);
    const consumer = update.consumer ?? row.consumer;
    const changes = { specs, consumer, updatedAt: clock.now() };
    return must(await transaction.change('qosSpecs', { id: row.id }, changes), 'a row just read');
  });
  await applyAllLimits(needs);
  return changed;
}

export async function deleteQosKeys(
  needs: Limiting,
  caller: Caller,
  qosSpecsId: string,
  keys: readonly string[],
): Promise<QosSpecsRow> {
  const { catalog, clock } = needs;
  authorize(caller, 'volume_extension:qos_specs_manage:delete');
  const changed = await catalog.transact(async (transaction) => {
    const row = await findQosSpecs(transaction, qosSpecsId);
    const missing = keys.find((key) => !Object.hasOwn(row.specs, key));
    if (missing !== undefined) {
      throw new OperatingError(
        'not_found',
        `QoS Specs ${row.id} has no spec with key ${missing.slice(0, 255)}.`,
      );
    }
    const kept = Object.entries(row.specs).filter(([key]) => !keys.includes(key));
    const changes = { specs: Object.fromEntries(kept), updatedAt: clock.now() };
    return must(await transaction.change('qosSpecs', { id: row.id }, changes), 'a row just read');
  });
  await applyAllLimits(needs);
  return changed;
}

/** Removes them; with `force` also from the types that are associated with them. */
export async function deleteQosSpecs(
  needs: Limiting,
  caller: Caller,
  qosSpecsId: string,
  { force }: { force: boolean },
): Promise<void> {
  const { catalog, clock } = needs;
  authorize(caller, 'volume_extension:qos_specs_manage:delete');
  await catalog.transact(async (transaction) => {
    const row = await findQosSpecs(transaction, qosSpecsId);
    const types = await transaction.list('volumeTypes', {
      where: { qosSpecsId: row.id },
      limit: 1000,
    });
    if (types.length > 0 && !force) {
      throw new OperatingError(
        'invalid_state',
        `QoS Specs ${row.id} is still associated with entities.`,
      );
    }
    for (const { id } of types) {
      const changes = { qosSpecsId: null, updatedAt: clock.now() };
      await transaction.change('volumeTypes', { id }, changes);
    }
    await transaction.remove('qosSpecs', { id: row.id });
  });
  await applyAllLimits(needs);
}

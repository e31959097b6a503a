/** What is measured beside qemu-nbd: a row for each load, way to the server and state of cache. */
import { KiB, MiB } from '../src/base/bytes.ts';
import { describeLoad, type FioLoad, type Load } from './nbd-load.ts';

export type Transport = 'unix' | 'tcp';

export interface Row {
  readonly name: string;
  readonly load: Load;
  readonly transport: Transport;
  readonly cache: 'hot' | 'cold';
  /** Right after a snapshot; the peer then serves a fresh qcow2 overlay. */
  readonly afterSnapshot: boolean;
  /** Firn's rate is to be at least so many times the peer's. */
  readonly goal: number;
  /** Is part of a quick run. */
  readonly quick: boolean;
}

type Details = Omit<Row, 'name' | 'goal'>;

const depths = [1, 16, 64];
const connectionCounts = [1, 4];

function row({ load, transport, cache, afterSnapshot, quick }: Details): Row {
  const when = afterSnapshot ? 'after a snapshot' : cache;
  const name = `${describeLoad(load)}, ${transport}, ${when}`;
  return { name, load, transport, cache, afterSnapshot, goal: afterSnapshot ? 3 : 1, quick };
}

function random(rw: 'randread' | 'randwrite', cache: 'hot' | 'cold'): Row[] {
  const rows = (transport: Transport): Row[] =>
    connectionCounts.flatMap((connections) =>
      depths.map((depth) => {
        const load: Load = { tool: 'fio', rw, blockBytes: 4 * KiB, depth, connections };
        const quick = transport === 'unix' ? depth !== 64 : depth === 16 && connections === 1;
        return row({ load, transport, cache, afterSnapshot: false, quick });
      }),
    );
  const overTcp = rows('tcp');
  // A cold cache is the disk's trade: a single row says whether TCP changes anything about it.
  return [...rows('unix'), ...(cache === 'hot' ? overTcp : overTcp.slice(1, 2))];
}

function sequential(rw: 'read' | 'write', cache: 'hot' | 'cold'): Row[] {
  const of = (transport: Transport, depth: number, connections: number): Row =>
    row({
      load: { tool: 'fio', rw, blockBytes: MiB, depth, connections },
      transport,
      cache,
      afterSnapshot: false,
      quick: transport === 'unix' && connections === 1,
    });
  return [of('unix', 4, 1), of('unix', 16, 4), of('tcp', 4, 1)];
}

function copies(): Row[] {
  const of = (direction: 'out' | 'in', cache: 'hot' | 'cold', transport: Transport): Row =>
    row({
      load: { tool: 'nbdcopy', direction, flush: direction === 'in' && cache === 'cold' },
      transport,
      cache,
      afterSnapshot: false,
      quick: transport === 'unix' && cache === 'hot',
    });
  return [
    of('out', 'hot', 'unix'),
    of('out', 'hot', 'tcp'),
    of('in', 'hot', 'unix'),
    of('in', 'hot', 'tcp'),
    of('out', 'cold', 'unix'),
    of('in', 'cold', 'unix'),
  ];
}

/** Writes of 4 KiB over a unix socket: what the rows about flushes and snapshots are made of. */
function writes(load: Pick<FioLoad, 'depth' | 'connections' | 'flush'>, after: boolean): Row {
  const rest = { transport: 'unix', cache: 'hot', afterSnapshot: after, quick: true } as const;
  return row({ load: { tool: 'fio', rw: 'randwrite', blockBytes: 4 * KiB, ...load }, ...rest });
}

/** Rows that leave the volume with snapshots come last, so that no other row sees these. */
export const allRows: readonly Row[] = [
  ...random('randread', 'hot'),
  ...random('randwrite', 'hot'),
  ...sequential('read', 'hot'),
  ...sequential('write', 'hot'),
  ...random('randread', 'cold'),
  ...sequential('read', 'cold'),
  ...copies(),
  writes({ depth: 1, connections: 1, flush: true }, false),
  writes({ depth: 1, connections: 4, flush: true }, false),
  writes({ depth: 16, connections: 1, flush: true }, false),
  writes({ depth: 1, connections: 1 }, true),
  writes({ depth: 16, connections: 1 }, true),
];

import { required } from '../base/assert.ts';
import { mebibyte } from '../base/units.ts';
import type { NodeKind } from '../nodes/node-kind.ts';
import { resultKey } from '../nodes/result-key.ts';
import { canRunWithoutCores, type Estimate } from '../resources/demand.ts';
import type { Offer } from '../scheduler/effect.ts';
import type { StoredJob, StoreTransaction } from '../store/store.ts';

/** The node kinds by name. */
type Kinds = ReadonlyMap<string, NodeKind>;

/**
 * The name under which the result of a node's next run is kept, and an earlier one with the same work
 * may be found; undefined when the job or the kind wants no such thing. It is settled once the node is
 * ready: all that it reads is there.
 */
export function resultKeyOf(job: StoredJob, nodeId: string, kinds: Kinds): string | undefined {
  const { state, upload } = job;
  if (!state.usesCache) return undefined;
  const node = required(
    state.plan.nodes.find(({ id }) => id === nodeId),
    `node ${nodeId}`,
  );
  const kind = kinds.get(node.kind);
  if (kind === undefined) return undefined;
  const inputs = node.inputs.flatMap(({ role, from }) =>
    from.flatMap((id) =>
      required(
        state.nodes.find((record) => record.id === id),
        `node ${id}`,
      ).artifacts.filter((artifact) => artifact.role === role),
    ),
  );
  const { params } = node;
  return resultKey({ kind, params, inputs, uploadSha256: upload.sha256, media: state.media });
}

/**
 * What using an earlier result asks of a host: to link its files and read them for their digests, which no
 * core is kept for (some milliseconds, and a second per 1.2 GB).
 */
const reuseEstimate: Estimate = {
  demand: { coresMin: 0, coresMax: 0, memoryBytes: 16 * mebibyte, ioSlots: 1, gpus: 0 },
  coreSeconds: 0.01,
};

/**
 * Offers as they are to be made: nodes whose result is kept ask for no core. But one whose last attempt
 * had none and came to nothing asks for all that running takes: what was in the way of its result may
 * still be there, and it must not go round for ever.
 */
export async function withKeptResults(
  tx: StoreTransaction,
  job: StoredJob,
  { offers, kinds }: { readonly offers: readonly Offer[]; readonly kinds: Kinds },
): Promise<readonly Offer[]> {
  const made: Offer[] = [];
  for (const offer of offers) {
    const isAsIs = canRunWithoutCores(offer.estimate) || hadNoCores(job, offer);
    const key = isAsIs ? undefined : resultKeyOf(job, offer.nodeId, kinds);
    const isKept = key !== undefined && (await tx.results.has(key));
    made.push(isKept ? asReuse(offer) : offer);
  }
  return made;
}

/** Whether the attempt before the one that is offered could only have used an earlier result. */
function hadNoCores({ state }: StoredJob, { nodeId }: Offer): boolean {
  return state.nodes.find(({ id }) => id === nodeId)?.cores === 0;
}

/** The figures of the paths behind the node stay what they are. */
function asReuse(offer: Offer): Offer {
  const { coreSeconds, demand } = offer.estimate;
  const savedSec = coreSeconds - reuseEstimate.coreSeconds;
  const savedSpanSec = coreSeconds / Math.max(1, demand.coresMax) - reuseEstimate.coreSeconds;
  return {
    ...offer,
    estimate: reuseEstimate,
    remainingPathSec: offer.remainingPathSec - savedSec,
    remainingSpanSec: offer.remainingSpanSec - savedSpanSec,
    jobRemainingSec: offer.jobRemainingSec - savedSec,
  };
}

import type { JsonObject } from '../base/json.ts';
import type { MediaRole } from '../graph/media-role.ts';
import type { Estimate } from '../resources/demand.ts';
import type { Condition } from './condition.ts';

/**
 * A pipeline, parsed, validated against the kinds and ready to be applied to an upload. Immutable and
 * JSON: a job keeps the plan it started with until somebody retries it, so editing the pipeline never
 * changes running jobs.
 */
export interface Plan {
  /** The pipeline's name, e.g. `standard`. */
  readonly pipeline: string;
  /** In the order of the file. */
  readonly nodes: readonly PlannedNode[];
}

/** A node of a {@link Plan}. */
export interface PlannedNode {
  /** Its name in the pipeline, unique there; `^[a-z][a-z0-9-]{0,62}$`. */
  readonly id: string;
  readonly kind: string;
  /** The kind's version when it was planned; absent in plans of before it was kept, which means 1. */
  readonly kindVersion?: number;
  readonly needs: readonly string[];
  /** The `with:` block, checked and with defaults filled in. */
  readonly params: JsonObject;
  /** For each input role, the nodes whose artifacts of that role it reads, in pipeline order. */
  readonly inputs: readonly PlannedInput[];
  readonly when?: Condition;
  /** A failure of an optional node is a warning on the job, and its dependents still run. */
  readonly optional: boolean;
  readonly retry: RetryPolicy;
  /** Wall-clock limit of one attempt in milliseconds. */
  readonly timeoutMs: number;
  /** The kind's estimate for an unknown source, with the pipeline's `resources:` applied. */
  readonly estimate: Estimate;
  /** The pipeline's `resources:`, to be applied again once the source is known. */
  readonly resources?: ResourceOverride;
}

/** What a pipeline says about a node's demand; it wins over the kind's estimate. */
export interface ResourceOverride {
  readonly coresMin?: number;
  /** ≥ `coresMin`. */
  readonly coresMax?: number;
  readonly memoryBytes?: number;
}

/** Where one input of a node comes from. */
export interface PlannedInput {
  readonly role: MediaRole;
  readonly take: 'one' | 'optional' | 'every';
  /** Node ids; for `one` exactly one, for `optional` none or one. */
  readonly from: readonly string[];
}

/** How often and how fast a failed attempt is repeated. */
export interface RetryPolicy {
  /** Attempts in all, 1–10. */
  readonly attemptsMax: number;
  /** Delay before the second attempt in milliseconds; doubles with each further one. */
  readonly backoffMs: number;
}

/**
 * What the probe settles about a plan: which nodes do not apply to this source, and what the others
 * cost. The edges stay as declared.
 */
export interface Expansion {
  /**
   * Node id → why its condition does not hold, as a sentence. Nodes that lose a required input by it
   * are not listed: the scheduler skips those, by the one rule it has for absent inputs.
   */
  readonly skipped: Readonly<Record<string, string>>;
  /** Node id → estimate for this source; for every node that is not listed above. */
  readonly estimates: Readonly<Record<string, Estimate>>;
}

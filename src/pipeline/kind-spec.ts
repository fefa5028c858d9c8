import type { z } from 'zod';
import type { JsonObject } from '../base/json.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import type { MediaRole } from '../graph/media-role.ts';
import type { Estimate } from '../resources/demand.ts';

/**
 * What a pipeline may know of a node kind: everything but how to run it. The kinds themselves
 * (`src/nodes`) extend it; this file keeps parsing, validation and expansion pure.
 *
 * `Params` is the type of the checked `with:` block.
 */
export interface KindSpec<Params = JsonObject> {
  /** The name that `uses:` gives, kebab-case. */
  readonly name: string;
  /** Grows by one whenever the same inputs and parameters would give another result. */
  readonly version: number;
  /** One sentence for the reference and `reelgraph graph`. */
  readonly summary: string;
  /** The schema of `with:`; a strict object, so an unknown parameter is refused. */
  readonly params: z.ZodType<Params>;
  readonly inputs: readonly InputSpec[];
  /** The files it makes with these parameters. Names are unique among a job's products. */
  outputs(params: Params): readonly OutputSpec[];
  /**
   * Its demand and cost. `media` is absent until the source was probed: then the answer is that of a
   * short 1080p clip.
   */
  estimate(params: Params, media: MediaProbe | undefined): Estimate;
}

/**
 * An input of a kind, by role. It is found among everything that the node needs, directly or through
 * other nodes; the nearest provider wins.
 */
export interface InputSpec {
  readonly role: MediaRole;
  /**
   * - `one`: exactly one provider; when that provider is skipped, this node is skipped too
   * - `optional`: none or one
   * - `every`: all artifacts of that role
   */
  readonly take: 'one' | 'optional' | 'every';
}

/** A file that a kind makes. */
export interface OutputSpec {
  readonly name: string;
  readonly role: MediaRole;
  readonly mediaType: string;
  /** Whether it is a result for the uploader; intermediates are not. */
  readonly product: boolean;
}

/** The kinds by name. */
export type KindCatalog = ReadonlyMap<string, KindSpec>;

import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/json.ts';
import type { JsonObject } from '../base/json.ts';
import type { Artifact } from '../graph/artifact.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import type { NodeKind } from './node-kind.ts';

/** Everything that a run may depend on; see {@link NodeKind.resultVersion} for what a kind promises. */
export interface ResultRequest {
  readonly kind: NodeKind;
  /** The checked `with:` block. */
  readonly params: JsonObject;
  /** What it reads, in the order of its planned inputs. */
  readonly inputs: readonly Pick<Artifact, 'role' | 'sha256'>[];
  readonly uploadSha256: string;
  readonly media: MediaProbe | undefined;
}

/** Changes whenever what is hashed does, so that results of another layout are never found. */
const layout = 'reelgraph result v1';

/**
 * The name under which a run's result is kept: SHA-256 as lowercase hex, the same for the same request
 * whatever the order of its keys; undefined for a kind whose results are not used again.
 *
 * A kind with inputs sees the upload only through them and the probe. One without reads the upload, and
 * nothing of the probe, which is made of it.
 */
export function resultKey(request: ResultRequest): string | undefined {
  const { kind, params, inputs, uploadSha256, media } = request;
  const resultVersion = kind.resultVersion?.(params);
  if (resultVersion === undefined) return undefined;
  const seen =
    kind.inputs.length === 0
      ? { uploadSha256 }
      : { inputs: inputs.map(({ role, sha256 }) => ({ role, sha256 })), media };
  const { name, version } = kind;
  const text = canonicalJson({ layout, kind: name, version, resultVersion, params, ...seen });
  return createHash('sha256').update(text).digest('hex');
}

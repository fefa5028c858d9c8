import type { Plan, PlannedInput, PlannedNode } from '../../src/pipeline/plan.ts';
import type { Demand, Estimate } from '../../src/resources/demand.ts';
import { mebibyte } from '../../src/base/units.ts';
import type { MediaRole } from '../../src/graph/media-role.ts';

/** What differs from the default node: one core, one core-second, two attempts, no inputs. */
export type NodeDetails = Partial<Omit<PlannedNode, 'id' | 'needs'>>;

/**
 * A plan from a small text: `a; b:a; c?:a; d:b,c` is a diamond whose `c` is optional. Nodes need what
 * stands behind the colon. `details` adds anything else by node id.
 */
export function planOf(text: string, details: Readonly<Record<string, NodeDetails>> = {}): Plan {
  const nodes = text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', needs = ''] = part.split(':').map((side) => side.trim());
      const id = name.replace('?', '');
      return nodeOf(id, {
        optional: name.endsWith('?'),
        needs: needs.split(',').flatMap((need) => need.trim() || []),
        ...details[id],
      });
    });
  return { pipeline: 'test', nodes };
}

/** A planned node with defaults for all that is not given. */
export function nodeOf(id: string, details: Partial<PlannedNode> = {}): PlannedNode {
  return {
    id,
    kind: 'test',
    needs: [],
    params: {},
    inputs: [],
    optional: false,
    retry: { attemptsMax: 2, backoffMs: 1000 },
    timeoutMs: 60_000,
    estimate: estimateOf(1),
    ...details,
  };
}

/** An estimate of so many core-seconds, on one core unless the demand says otherwise. */
export function estimateOf(coreSeconds: number, demand: Partial<Demand> = {}): Estimate {
  const least = { coresMin: 1, coresMax: 1, memoryBytes: 64 * mebibyte, ioSlots: 0, gpus: 0 };
  return { coreSeconds, demand: { ...least, ...demand } };
}

/** An input by role, e.g. `inputOf('one', 'video', 'transcode-720p')`. */
export function inputOf(
  take: PlannedInput['take'],
  role: MediaRole,
  ...from: readonly string[]
): PlannedInput {
  return { role, take, from };
}

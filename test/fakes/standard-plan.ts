import type { Plan, PlannedNode } from '../../src/pipeline/plan.ts';
import type { Estimate } from '../../src/resources/demand.ts';
import { estimateOf, inputOf, nodeOf } from './plans.ts';

/** Work of each of the nine nodes in core-seconds, and the most cores that the wide ones use well. */
export interface StandardWork {
  readonly durationSec: number;
  readonly transcodeCoresMax: number;
  readonly speechCoresMax: number;
  /** Core-seconds of recognition for one second of speech; depends on the model. */
  readonly speechFactor: number;
}

/**
 * The nine-node graph with costs for a film of some length. Transcodes as measured on 30 s of 1080p
 * film with preset veryfast (21 s for 720p, 34 s for 1080p); the light nodes as observed on clips.
 */
export function standardPlan(work: StandardWork): Plan {
  return { pipeline: 'standard', nodes: [...sourceNodes(work), ...resultNodes(work)] };
}

function sourceNodes(work: StandardWork): readonly PlannedNode[] {
  const { durationSec, transcodeCoresMax: coresMax } = work;
  const source = inputOf('one', 'source', 'validate');
  const fromSource = (id: string, estimate: Estimate): PlannedNode =>
    nodeOf(id, { needs: ['validate'], inputs: [source], estimate });
  return [
    nodeOf('validate', { estimate: estimateOf(0.2 + durationSec / 400) }),
    fromSource('extract-audio', estimateOf(0.2 + durationSec / 60)),
    fromSource('thumbnail', estimateOf(0.5 + durationSec / 100)),
    fromSource('transcode-720p', estimateOf(0.7 * durationSec, { coresMax })),
    fromSource('transcode-1080p', estimateOf(1.13 * durationSec, { coresMax })),
    nodeOf('recognize-speech', {
      needs: ['extract-audio'],
      inputs: [inputOf('one', 'speech', 'extract-audio')],
      optional: true,
      estimate: estimateOf(work.speechFactor * durationSec, { coresMax: work.speechCoresMax }),
    }),
  ];
}

function resultNodes({ durationSec }: StandardWork): readonly PlannedNode[] {
  const merge = (rung: string): PlannedNode =>
    nodeOf(`merge-${rung}`, {
      needs: [`transcode-${rung}`, 'recognize-speech'],
      inputs: [
        inputOf('one', 'video', `transcode-${rung}`),
        inputOf('optional', 'audio', 'extract-audio'),
        inputOf('optional', 'captions', 'recognize-speech'),
      ],
      estimate: estimateOf(0.1 + durationSec / 300),
    });
  return [
    merge('720p'),
    merge('1080p'),
    nodeOf('publish', {
      needs: ['thumbnail', 'merge-720p', 'merge-1080p'],
      inputs: [
        inputOf('every', 'image', 'thumbnail'),
        inputOf('every', 'rendition', 'merge-720p', 'merge-1080p'),
        inputOf('every', 'audio', 'extract-audio'),
        inputOf('every', 'transcript', 'recognize-speech'),
        inputOf('every', 'captions', 'recognize-speech'),
      ],
      estimate: estimateOf(0.05 + durationSec / 600, { coresMin: 0, coresMax: 0, ioSlots: 1 }),
    }),
  ];
}

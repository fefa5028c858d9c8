import { required } from '../base/assert.ts';
import type { Effect } from './effect.ts';
import type { NodeRecord } from './job-state.ts';

/** When a delayed node is due, by the wall clock and by the delay that its last attempt's end began. */
export function wakeUpOf(delayed: NodeRecord): Extract<Effect, { readonly type: 'wake-at' }> {
  const { id: nodeId } = delayed;
  const atMs = required(delayed.dueAtMs, `due time of ${nodeId}`);
  const endedAtMs = required(delayed.endedAtMs, `end of the last attempt of ${nodeId}`);
  return { type: 'wake-at', nodeId, atMs, delayMs: atMs - endedAtMs };
}

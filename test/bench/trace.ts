import { AsyncLocalStorage } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import type { NodeKind } from '../../src/nodes/node-kind.ts';

/** When one node's run began, spawned its first child and ended; `performance.now()` milliseconds. */
export interface NodeTrace {
  readonly nodeId: string;
  readonly beganAtMs: number;
  spawnedAtMs?: number;
  endedAtMs?: number;
}

/** Everything that was traced, in order of beginning. */
export interface Trace {
  readonly nodes: readonly NodeTrace[];
  /** Wraps a kind so that its runs are traced. */
  wrap(kind: NodeKind): NodeKind;
  /** Stops listening. */
  close(): void;
}

/**
 * Traces runs and the children they spawn. Node publishes every new child process on the channel
 * `child_process` (documentation of node:diagnostics_channel, built-in channels); the asynchronous
 * context says which node spawned it.
 */
export function startTrace(): Trace {
  const context = new AsyncLocalStorage<NodeTrace>();
  const nodes: NodeTrace[] = [];
  const onSpawn = (): void => {
    const node = context.getStore();
    if (node !== undefined) node.spawnedAtMs ??= performance.now();
  };
  diagnostics.subscribe('child_process', onSpawn);
  return {
    nodes,
    wrap: (kind) => ({
      ...kind,
      run: (attempt) => {
        const node: NodeTrace = { nodeId: attempt.nodeId, beganAtMs: performance.now() };
        nodes.push(node);
        return context.run(node, async () => {
          try {
            return await kind.run(attempt);
          } finally {
            node.endedAtMs = performance.now();
          }
        });
      },
    }),
    close: () => diagnostics.unsubscribe('child_process', onSpawn),
  };
}

/**
 * Time from the event that let a node start (the latest end of another node before its spawn) to its
 * first child's spawn, in milliseconds, for every node but those that started the job.
 */
export function handOffs(nodes: readonly NodeTrace[]): readonly number[] {
  return nodes.flatMap(({ nodeId, spawnedAtMs }) => {
    if (spawnedAtMs === undefined) return [];
    const ends = nodes
      .filter((other) => other.nodeId !== nodeId)
      .map((other) => other.endedAtMs ?? Infinity)
      .filter((endedAtMs) => endedAtMs <= spawnedAtMs);
    return ends.length === 0 ? [] : [spawnedAtMs - Math.max(...ends)];
  });
}

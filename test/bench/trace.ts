import { AsyncLocalStorage } from 'node:async_hooks';
import type { ChildProcess } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import type { NodeKind } from '../../src/nodes/node-kind.ts';
import type { JobState } from '../../src/scheduler/job-state.ts';
import { cpuSeconds } from './cpu-time.ts';

/** A child process of a node; times are `performance.now()` milliseconds. */
export interface ChildTrace {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** When the system had started it. */
  readonly spawnedAtMs: number;
  /** When it was gone. */
  goneAtMs?: number;
}

/** When one node's run began and ended, and the children it had; `performance.now()` milliseconds. */
export interface NodeTrace {
  readonly nodeId: string;
  readonly beganAtMs: number;
  endedAtMs?: number;
  /** CPU seconds of the service and its children meanwhile: its own, where nothing else ran. */
  cpuSec: number;
  readonly children: ChildTrace[];
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
 * Published when the system has started a child, after fork and exec; the channel `child_process` comes
 * before both (documentation of node:diagnostics_channel, built-in channels).
 */
const spawnedChannel = 'tracing:child_process.spawn:end';

/** Traces runs and the children they spawn; the asynchronous context says whose child it is. */
export function startTrace(): Trace {
  const context = new AsyncLocalStorage<NodeTrace>();
  const nodes: NodeTrace[] = [];
  const onSpawned = (message: unknown): void => {
    const spawnedAtMs = performance.now();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the channel publishes
    const { process } = message as { readonly process: ChildProcess };
    const child: ChildTrace = { argv: process.spawnargs, spawnedAtMs };
    context.getStore()?.children.push(child);
    process.once('close', () => (child.goneAtMs = performance.now()));
  };
  diagnostics.subscribe(spawnedChannel, onSpawned);
  return {
    nodes,
    wrap: (kind) => ({
      ...kind,
      run: (attempt) => {
        const { nodeId } = attempt;
        const cpuBeforeSec = cpuSeconds();
        const node: NodeTrace = { nodeId, beganAtMs: performance.now(), cpuSec: 0, children: [] };
        nodes.push(node);
        return context.run(node, async () => {
          try {
            return await kind.run(attempt);
          } finally {
            node.endedAtMs = performance.now();
            node.cpuSec = cpuSeconds() - cpuBeforeSec;
          }
        });
      },
    }),
    close: () => diagnostics.unsubscribe(spawnedChannel, onSpawned),
  };
}

/** Precision of the wall-clock times in a job's records, in milliseconds. */
const recordPrecisionMs = 1;

/**
 * Milliseconds from the end of what a node waited for to the spawn of its first child, for every node
 * that has children and did not start the job. What it waited for is the last run that ended before
 * its start was decided: its last need, or who had its cores. A run that ends later, while the start is
 * being stored, does not shorten it.
 */
export function handOffs(job: JobState, nodes: readonly NodeTrace[]): readonly number[] {
  return nodes.flatMap(({ nodeId, children: [first] }) => {
    const startedAtMs = job.nodes.find(({ id }) => id === nodeId)?.startedAtMs;
    if (first === undefined || startedAtMs === undefined) return [];
    const decidedAtMs = startedAtMs - performance.timeOrigin + recordPrecisionMs;
    const ends = nodes
      .map(({ endedAtMs = Infinity }) => endedAtMs)
      .filter((endedAtMs) => endedAtMs <= decidedAtMs);
    return ends.length === 0 ? [] : [first.spawnedAtMs - Math.max(...ends)];
  });
}

/** Seconds of a node's run; 0 for a node that did not run. */
export function runSeconds(nodes: readonly NodeTrace[], nodeId: string): number {
  const node = nodes.find((one) => one.nodeId === nodeId);
  return node?.endedAtMs === undefined ? 0 : (node.endedAtMs - node.beganAtMs) / 1000;
}

/** Seconds that the children of all nodes lived, one after another. */
export function childSeconds(nodes: readonly NodeTrace[]): number {
  return (
    nodes
      .flatMap(({ children }) => children)
      .reduce((sum, { spawnedAtMs, goneAtMs = spawnedAtMs }) => sum + goneAtMs - spawnedAtMs, 0) /
    1000
  );
}

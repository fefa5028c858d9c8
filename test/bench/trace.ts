import { AsyncLocalStorage } from 'node:async_hooks';
import { required } from '../../src/base/assert.ts';
import type { NodeKind } from '../../src/nodes/node-kind.ts';
import type {
  ProcessStarter,
  StartOrder,
  StartedProcess,
} from '../../src/processes/process-starter.ts';
import type { JobState } from '../../src/scheduler/job-state.ts';
import { cpuSeconds } from './cpu-time.ts';

/** A child process of a node; times are `performance.now()` milliseconds. */
export interface ChildTrace {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** How long asking for its start kept the service from all else. */
  readonly heldUpMs: number;
  /** When it had become its program: after exec(2), as far as the service can tell. */
  spawnedAtMs: number;
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
  /** Wraps what starts children so that they are traced. */
  wrapStarter(starter: ProcessStarter): ProcessStarter;
}

/** Traces runs and the children they spawn; the asynchronous context says whose child it is. */
export function startTrace(): Trace {
  const context = new AsyncLocalStorage<NodeTrace>();
  const nodes: NodeTrace[] = [];
  const start = (starter: ProcessStarter, order: StartOrder): StartedProcess => {
    const askedAtMs = performance.now();
    const started = starter.start(order);
    const spawnedAtMs = performance.now();
    const heldUpMs = spawnedAtMs - askedAtMs;
    const child: ChildTrace = { argv: order.argv, heldUpMs, spawnedAtMs };
    context.getStore()?.children.push(child);
    const { process } = started;
    // A launcher's pipe ends when it becomes the program; a direct start returns after that.
    process.stdio[orderDescriptor]?.once('end', () => (child.spawnedAtMs = performance.now()));
    process.once('close', () => (child.goneAtMs = performance.now()));
    return started;
  };
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
    wrapStarter: (starter) => ({
      method: starter.method,
      sandbox: starter.sandbox,
      start: (order) => start(starter, order),
      close: () => starter.close(),
      [Symbol.asyncDispose]: () => starter.close(),
    }),
  };
}

/** The pipe on which a launcher gets its order (`launcher.c`). */
const orderDescriptor = 4;

/** Precision of the wall-clock times in a job's records, in milliseconds. */
const recordPrecisionMs = 1;

/** One hand-off: from what a node waited for to its first child; `performance.now()` milliseconds. */
export interface HandOff {
  /** When the last run ended that did before its start was decided: its last need, or who had its cores. */
  readonly runEndedAtMs: number;
  /** When that node was recorded as done; to a whole millisecond. */
  readonly recordedAtMs: number;
  readonly spawnedAtMs: number;
  /** How long the start of that child held the service up. */
  readonly heldUpMs: number;
}

/**
 * The hand-offs of every node that has children and did not start the job. A run that ends later, while
 * the start is being stored, does not shorten its hand-off.
 */
export function handOffs(job: JobState, nodes: readonly NodeTrace[]): readonly HandOff[] {
  return nodes.flatMap(({ nodeId, children: [first] }) => {
    const startedAtMs = job.nodes.find(({ id }) => id === nodeId)?.startedAtMs;
    if (first === undefined || startedAtMs === undefined) return [];
    const decidedAtMs = startedAtMs - performance.timeOrigin + recordPrecisionMs;
    const ended = nodes.filter(({ endedAtMs = Infinity }) => endedAtMs <= decidedAtMs);
    const last = ended.toSorted((a, b) => (a.endedAtMs ?? 0) - (b.endedAtMs ?? 0)).at(-1);
    if (last === undefined) return [];
    const { spawnedAtMs, heldUpMs } = first;
    const runEndedAtMs = required(last.endedAtMs, 'an end');
    return [{ runEndedAtMs, recordedAtMs: recordedEnd(job, last), spawnedAtMs, heldUpMs }];
  });
}

/** When the end of a node's run was recorded: the time that its record tells. */
function recordedEnd(job: JobState, { nodeId }: NodeTrace): number {
  const record = job.nodes.find(({ id }) => id === nodeId);
  return required(record?.endedAtMs, 'a recorded end') - performance.timeOrigin;
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

import { required } from '../base/assert.ts';
import type { PlannedNode } from '../pipeline/plan.ts';
import { countedAttempt, isTerminalJob, isTerminalNode } from './job-state.ts';
import type { JobState, NodeRecord } from './job-state.ts';
import { graphOf } from './plan-graph.ts';

/**
 * Everything that must hold for a job between two events and does not, as sentences; empty for a sound
 * job. Tests ask after every event.
 */
export function violations(job: JobState): readonly string[] {
  return [
    ...recordViolations(job),
    ...job.nodes.flatMap((record, index) => nodeViolations(job, record, index)),
    ...orderViolations(job),
    ...(isTerminalJob(job.phase) ? endedViolations(job) : liveViolations(job)),
  ];
}

function recordViolations({ nodes, plan }: JobState): readonly string[] {
  const isSame =
    nodes.length === plan.nodes.length && nodes.every(({ id }, at) => id === plan.nodes[at]?.id);
  return isSame ? [] : ['the records are not those of the plan'];
}

/** What a record may hold in its phase. */
function nodeViolations(job: JobState, record: NodeRecord, index: number): readonly string[] {
  const { id, phase, attempt, startedAtMs, endedAtMs, dueAtMs } = record;
  const { retry } = required(job.plan.nodes[index], `node ${index}`);
  const hasRun = attempt > 0;
  // Attempts before a retry of the job are excused, and the record begins anew.
  const hasTried = countedAttempt(record) > 0;
  return broken(id, [
    ['has made more attempts than it may', countedAttempt(record) > retry.attemptsMax],
    ['excuses attempts that it has not made', countedAttempt(record) < 0],
    ['lost attempts that are not excused', (record.lostCount ?? 0) > (record.excusedCount ?? 0)],
    ['has artifacts without having succeeded', hasArtifacts(record) && phase !== 'succeeded'],
    ['is failed without a failure', phase === 'failed' && record.failure === undefined],
    ['is skipped without a reason', phase === 'skipped' && record.skipReason === undefined],
    [
      'has a reason to be skipped but is not',
      phase !== 'skipped' && record.skipReason !== undefined,
    ],
    ['is delayed for ever', phase === 'delayed' && dueAtMs === undefined],
    ['is due without waiting', dueAtMs !== undefined && phase !== 'delayed' && phase !== 'ready'],
    ['runs without a start', phase === 'running' && (startedAtMs === undefined || !hasRun)],
    ['runs on an unknown number of cores', phase === 'running' && record.cores === undefined],
    ['runs although it has ended', phase === 'running' && endedAtMs !== undefined],
    ['has ended at no time', isTerminalNode(phase) && endedAtMs === undefined],
    ['has a result without an attempt', isResult(phase) && !hasTried],
    [
      'has no attempt left',
      (phase === 'ready' || phase === 'delayed') && countedAttempt(record) >= retry.attemptsMax,
    ],
    ['was started before it was ready', hasTried && record.queuedAtMs === undefined],
  ]);
}

/** No node gets beyond waiting before its needs are done, and none waits for nothing. */
function orderViolations(job: JobState): readonly string[] {
  const { order, needs } = graphOf(job.plan);
  const isDone: boolean[] = [];
  const found: string[] = [];
  const isMoving = isLive(job) && job.nodes.some(({ phase }) => phase !== 'waiting');
  for (const index of order) {
    const record = required(job.nodes[index], `node ${index}`);
    const areNeedsDone = (needs[index] ?? []).every((need) => isDone[need] === true);
    isDone[index] =
      areNeedsDone && isSatisfying(record, required(job.plan.nodes[index], record.id));
    if (!areNeedsDone && !isUnstarted(record))
      found.push(`${record.id} began before its needs ended`);
    if (areNeedsDone && isMoving && record.phase === 'waiting') {
      found.push(`${record.id} waits although its needs have ended`);
    }
  }
  return found;
}

function endedViolations(job: JobState): readonly string[] {
  const { phase, failure, nodes } = job;
  const isSuccess = phase === 'succeeded';
  const failed = fatalNodes(job);
  return broken('the job', [
    ['has ended before its nodes', !nodes.every((node) => isTerminalNode(node.phase))],
    ['has ended at no time', job.endedAtMs === undefined],
    ['is still being cancelled after its end', job.isCancelling],
    ['succeeded with a failed node', isSuccess && failed.length > 0],
    [
      'succeeded with a cancelled node',
      isSuccess && nodes.some((node) => node.phase === 'cancelled'),
    ],
    ['succeeded with a failure', isSuccess && failure !== undefined],
    ['failed without a failure', phase === 'failed' && failure === undefined],
    ['names a node that did not fail', phase === 'failed' && !isAmong(failed, failure?.nodeId)],
    ['is cancelled, but has a failure', phase === 'cancelled' && failure !== undefined],
  ]);
}

function liveViolations(job: JobState): readonly string[] {
  const { phase, failure, nodes } = job;
  const failed = fatalNodes(job);
  const count = (...phases: readonly NodeRecord['phase'][]): number =>
    nodes.filter((node) => phases.includes(node.phase)).length;
  const hasBegun = nodes.some((node) => node.attempt > 0);
  const isUntouched = count('waiting') === nodes.length;
  return broken('the job', [
    ['has an end but goes on', job.endedAtMs !== undefined],
    ['is queued although a node has started', phase === 'queued' && hasBegun],
    ['is running although no node has started', phase === 'running' && !hasBegun],
    ['runs without a start', phase === 'running' && job.startedAtMs === undefined],
    ['goes on although a node has failed', isLive(job) && failed.length > 0],
    ['names a node that did not fail', failure !== undefined && !isAmong(failed, failure.nodeId)],
    ['can not go on', !isUntouched && count('ready', 'running', 'delayed') === 0],
    ['is ending but has nodes to start', !isLive(job) && count('waiting', 'ready', 'delayed') > 0],
    ['has cancelled nodes but is not ending', isLive(job) && count('cancelled') > 0],
  ]);
}

/** Nodes whose failure fails the job. */
function fatalNodes({ nodes, plan }: JobState): readonly NodeRecord[] {
  return nodes.filter((node, at) => node.phase === 'failed' && plan.nodes[at]?.optional === false);
}

/** Whether new nodes may start. */
function isLive({ phase, isCancelling, failure }: JobState): boolean {
  return !isTerminalJob(phase) && !isCancelling && failure === undefined;
}

function isUnstarted(record: NodeRecord): boolean {
  const { phase } = record;
  const isIdle = phase === 'waiting' || phase === 'skipped' || phase === 'cancelled';
  return isIdle && countedAttempt(record) === 0;
}

function isSatisfying({ phase }: NodeRecord, { optional }: PlannedNode): boolean {
  return phase === 'succeeded' || phase === 'skipped' || (phase === 'failed' && optional);
}

function isResult(phase: NodeRecord['phase']): boolean {
  return phase === 'succeeded' || phase === 'failed' || phase === 'delayed';
}

function hasArtifacts({ artifacts }: NodeRecord): boolean {
  return artifacts.length > 0;
}

function isAmong(nodes: readonly NodeRecord[], id: string | undefined): boolean {
  return nodes.some((node) => node.id === id);
}

function broken(who: string, rules: readonly (readonly [string, boolean])[]): readonly string[] {
  return rules.flatMap(([text, isBroken]) => (isBroken ? [`${who} ${text}`] : []));
}

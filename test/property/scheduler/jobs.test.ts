import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JobEvent } from '../../../src/scheduler/event.ts';
import { handle } from '../../../src/scheduler/handle.ts';
import { isTerminalNode } from '../../../src/scheduler/job-state.ts';
import type { JobState } from '../../../src/scheduler/job-state.ts';
import { harmlessScripts, scripts } from './job-arbitrary.ts';
import type { Script } from './job-arbitrary.ts';
import { Walk } from './walk.ts';

const runs = { numRuns: 400 };

/** Which of the possible events happens next, again and again. */
const choices = fc.array(fc.nat(), { maxLength: 120 });

/** Events that disturb a walk: about any node and attempt, whether it is so or not. */
const strayEvents: fc.Arbitrary<JobEvent> = fc
  .record({
    type: fc.constantFrom(
      'attempt-started',
      'attempt-succeeded',
      'attempt-failed',
      'attempt-lost',
      'attempt-released',
      'attempt-stopped',
    ),
    atMs: fc.nat(100_000),
    nodeId: fc.nat(13).map((index) => `n${index}`),
    attempt: fc.nat(4),
  })
  .map((facts): JobEvent => {
    const { type } = facts;
    if (type === 'attempt-started') return { ...facts, type, cores: 1 };
    if (type === 'attempt-succeeded') return { ...facts, type, artifacts: [], warnings: [] };
    if (type !== 'attempt-failed') return { ...facts, type };
    return { ...facts, type, failure: { code: 'tool', message: 'It was tool.' } };
  });

const anyEvents: fc.Arbitrary<JobEvent> = fc.oneof(
  { weight: 6, arbitrary: strayEvents },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('job-submitted' as const), atMs: fc.nat() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('retry-due' as const),
      atMs: fc.nat(100_000),
      nodeId: fc.nat(13).map((index) => `n${index}`),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('cancel-requested' as const), atMs: fc.nat() }),
  },
);

/** What is settled about a job once it has ended: all but times, attempts and the last failures. */
function outcomeOf({ phase, nodes, warnings, media }: JobState) {
  return {
    phase,
    media,
    warnings: warnings.map(({ nodeId, code }) => `${nodeId} ${code}`).toSorted(),
    nodes: nodes.map(({ id, phase: nodePhase, artifacts, skipReason }) => ({
      id,
      nodePhase,
      artifacts,
      skipReason,
    })),
  };
}

function terminalNotices(walk: Walk): readonly string[] {
  return walk.effects.flatMap((effect) =>
    effect.type === 'notify' && effect.notice.type === 'job' && effect.notice.phase !== 'queued'
      ? [effect.notice.phase]
      : [],
  );
}

describe('every job', () => {
  test('offers a node only when all that it needs lets it go on', () => {
    fc.assert(
      fc.property(scripts, choices, (script, order) => {
        const walk = new Walk(script);
        const planned = new Map(script.plan.nodes.map((node) => [node.id, node]));
        const isDone = (id: string): boolean => {
          const phase = walk.job.nodes.find((record) => record.id === id)?.phase;
          const isOptional = planned.get(id)?.optional === true;
          const isOver =
            phase === 'succeeded' || phase === 'skipped' || (phase === 'failed' && isOptional);
          return isOver && (planned.get(id)?.needs ?? []).every(isDone);
        };
        for (const choice of order) {
          const from = walk.effects.length;
          if (walk.hasEnded || !walk.step(choice)) return;
          for (const effect of walk.effects.slice(from)) {
            if (effect.type !== 'offer-node') continue;
            const { needs } = planned.get(effect.offer.nodeId)!;
            expect(needs.every(isDone)).toBe(true);
          }
        }
      }),
      runs,
    );
  });

  test('ends in exactly one terminal state, which is told once, and nothing runs after it', () => {
    fc.assert(
      fc.property(scripts, choices, (script, order) => {
        const walk = new Walk(script);
        walk.finish(order);
        expect(walk.job.nodes.every(({ phase }) => isTerminalNode(phase))).toBe(true);
        expect(terminalNotices(walk)).toEqual(['running', walk.job.phase]);
        expect(walk.possible()).toEqual([]);
      }),
      runs,
    );
  });

  test('ends when all that runs is stopped after a cancel at any time', () => {
    fc.assert(
      fc.property(scripts, choices, fc.nat(40), (script, order, cancelAt) => {
        const walk = new Walk(script);
        for (const choice of order.slice(0, cancelAt)) walk.step(choice);
        const before = walk.job.phase;
        const isFailing = walk.job.failure !== undefined;
        walk.apply({ type: 'cancel-requested', atMs: walk.nowMs });
        const { nodes } = walk.job;
        for (const { id: nodeId, phase, attempt } of nodes) {
          if (phase !== 'running') continue;
          walk.apply({ type: 'attempt-stopped', atMs: walk.nowMs, nodeId, attempt });
        }
        const expected = isFailing ? 'failed' : before === 'succeeded' ? before : 'cancelled';
        expect(walk.job.phase).toBe(expected);
      }),
      runs,
    );
  });

  test('stays sound through any events, and an ended one is not changed by any', () => {
    fc.assert(
      fc.property(
        scripts,
        choices,
        fc.array(anyEvents, { maxLength: 60 }),
        (script, order, events) => {
          const walk = new Walk(script);
          for (const [index, event] of events.entries()) {
            const { job, hasEnded } = walk;
            walk.apply(event);
            if (hasEnded) expect(walk.job).toBe(job);
            walk.step(order[index] ?? 0);
          }
        },
      ),
      runs,
    );
  });

  test('makes the same of the same event, and leaves its own past as it was', () => {
    fc.assert(
      fc.property(scripts, choices, anyEvents, (script, order, event) => {
        const walk = new Walk(script);
        for (const choice of order.slice(0, 30)) walk.step(choice);
        const before = JSON.stringify(walk.job);
        const first = handle(walk.job, event);
        expect(handle(walk.job, event)).toEqual(first);
        expect(JSON.stringify(walk.job)).toBe(before);
      }),
      runs,
    );
  });

  test('is JSON at every moment', () => {
    fc.assert(
      fc.property(scripts, choices, (script, order) => {
        const walk = new Walk(script);
        for (const choice of order) {
          expect(JSON.parse(JSON.stringify(walk.job))).toStrictEqual(walk.job);
          if (!walk.step(choice)) return;
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('attempts that end at the same time', () => {
  test('make the same job in whatever order they are told', () => {
    const keys = fc.array(fc.nat(), { minLength: 12, maxLength: 12 });
    let compared = 0;
    fc.assert(
      fc.property(harmlessScripts, choices, fc.tuple(keys, keys), (script, order, [one, other]) => {
        const walk = new Walk(script);
        for (const choice of order.slice(0, 25)) walk.step(choice);
        for (const event of walk.possible()) {
          if (event.type === 'attempt-started') walk.apply(event);
        }
        const ends = endsOf(walk);
        if (ends.length > 1) compared += 1;
        const [a, b] = [one, other].map((by) => settled(walk.job, shuffledBy(ends, by)));
        expect(a).toEqual(b);
      }),
      runs,
    );
    // The property is about something.
    expect(compared).toBeGreaterThan(runs.numRuns / 20);
  });
});

describe('a job whose service dies', () => {
  test('ends as if nothing had happened, wherever it was and in whatever order it goes on', () => {
    const crashes = fc.array(fc.nat(60), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(harmlessScripts, fc.tuple(choices, choices), crashes, (script, orders, at) => {
        const [order, otherOrder] = orders;
        const undisturbed = new Walk(script);
        undisturbed.finish(otherOrder);
        const walk = new Walk(script);
        for (const [index, choice] of order.entries()) {
          if (at.includes(index)) walk.crash();
          walk.step(choice);
        }
        walk.crash();
        walk.finish([]);
        expect(outcomeOf(walk.job)).toEqual(outcomeOf(undisturbed.job));
      }),
      runs,
    );
  });

  test('is offered all that is ready and woken for all that is delayed', () => {
    fc.assert(
      fc.property(scripts, choices, (script, order) => {
        const walk = new Walk(script);
        for (const choice of order.slice(0, 30)) walk.step(choice);
        if (walk.hasEnded) return;
        const from = walk.effects.length;
        walk.crash();
        const offered = new Set<string>();
        const woken = new Set<string>();
        for (const effect of walk.effects.slice(from)) {
          if (effect.type === 'offer-node') offered.add(effect.offer.nodeId);
          if (effect.type === 'withdraw-node') offered.delete(effect.nodeId);
          if (effect.type === 'wake-at') woken.add(effect.nodeId);
        }
        expect([...offered].toSorted()).toEqual(idsIn(walk, 'ready'));
        expect([...woken].toSorted()).toEqual(idsIn(walk, 'delayed'));
      }),
      runs,
    );
  });
});

describe('a job whose service is restarted in good order', () => {
  test('ends as if nothing had happened, however often, and nothing is lost', () => {
    const stops = fc.array(fc.nat(60), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(harmlessScripts, fc.tuple(choices, choices), stops, (script, orders, at) => {
        const [order, otherOrder] = orders;
        const undisturbed = new Walk(script);
        undisturbed.finish(otherOrder);
        const walk = new Walk(script);
        for (const [index, choice] of order.entries()) {
          if (at.includes(index)) walk.restart();
          walk.step(choice);
        }
        walk.restart();
        walk.finish([]);
        expect(outcomeOf(walk.job)).toEqual(outcomeOf(undisturbed.job));
        expect(walk.job.nodes.filter(({ lostCount }) => lostCount !== undefined)).toEqual([]);
      }),
      runs,
    );
  });
});

describe('a job that is retried', () => {
  const names = fc.array(fc.nat(11), { maxLength: 3 });
  const idsOf = ({ plan }: Script, picked: readonly number[]): readonly string[] =>
    picked.map((index) => `n${index % plan.nodes.length}`);

  test('comes to the same end, wherever it was cancelled', () => {
    fc.assert(
      fc.property(harmlessScripts, fc.tuple(choices, choices), names, (script, orders, picked) => {
        const [order, otherOrder] = orders;
        const undisturbed = new Walk(script);
        undisturbed.finish([]);
        const walk = new Walk(script);
        for (const choice of order.slice(0, 30)) walk.step(choice);
        if (!walk.hasEnded) walk.apply({ type: 'cancel-requested', atMs: walk.nowMs });
        // What is still running ends by itself: a success after a cancel does not count.
        walk.finish(otherOrder);
        walk.retry(idsOf(script, picked));
        walk.finish(otherOrder);
        expect(outcomeOf(walk.job)).toEqual(outcomeOf(undisturbed.job));
      }),
      runs,
    );
  });

  test('runs what was named and what depends on it, and leaves every other record as it is', () => {
    fc.assert(
      fc.property(harmlessScripts, choices, names, (script, order, picked) => {
        const walk = new Walk(script);
        walk.finish(order);
        const before = new Map(walk.job.nodes.map((record) => [record.id, record]));
        const again = new Set(idsOf(script, picked));
        for (const { id, phase } of before.values()) if (phase === 'failed') again.add(id);
        for (const { id, needs } of script.plan.nodes) {
          if (needs.some((need) => again.has(need))) again.add(id);
        }
        walk.retry(idsOf(script, picked));
        walk.finish([]);
        for (const record of walk.job.nodes) {
          expect(record === before.get(record.id)).toBe(!again.has(record.id));
        }
      }),
      runs,
    );
  });

  test('that failed for good fails in the same way again', () => {
    fc.assert(
      fc.property(scripts, choices, (script, order) => {
        const walk = new Walk(script);
        walk.finish(order);
        if (walk.job.phase !== 'failed') return;
        walk.retry([]);
        walk.finish([]);
        expect(walk.job.phase).toBe('failed');
      }),
      runs,
    );
  });
});

describe('a script without final failures of nodes that matter', () => {
  test('succeeds in every order, with one outcome', () => {
    fc.assert(
      fc.property(harmlessScripts, choices, choices, (script: Script, order, otherOrder) => {
        const [walk, other] = [new Walk(script), new Walk(script)];
        walk.finish(order);
        other.finish(otherOrder);
        expect(walk.job.phase).toBe('succeeded');
        expect(outcomeOf(walk.job)).toEqual(outcomeOf(other.job));
      }),
      runs,
    );
  });
});

/** How everything that runs ends, at one time; the probe apart, as what it finds out changes others. */
function endsOf(walk: Walk): readonly JobEvent[] {
  const atMs = walk.nowMs + 5;
  return walk.job.nodes.flatMap((record) =>
    record.phase === 'running' && record.id !== 'n0' ? [walk.endOf(record, atMs)] : [],
  );
}

/** The job after these events, and what is offered; warnings in the order of the nodes. */
function settled(job: JobState, events: readonly JobEvent[]) {
  let after = job;
  const offered = new Set<string>();
  for (const event of events) {
    const transition = handle(after, event);
    after = transition.job;
    for (const effect of transition.effects) {
      if (effect.type === 'offer-node') offered.add(effect.offer.nodeId);
    }
  }
  const warnings = after.warnings.toSorted((a, b) =>
    (a.nodeId ?? '') < (b.nodeId ?? '') ? -1 : 1,
  );
  return { job: { ...after, warnings }, offered };
}

function shuffledBy<Value>(values: readonly Value[], keys: readonly number[]): readonly Value[] {
  return values
    .map((value, index) => ({ value, key: keys[index] ?? 0 }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

function idsIn(walk: Walk, phase: string): readonly string[] {
  return walk.job.nodes.flatMap((record) => (record.phase === phase ? [record.id] : [])).toSorted();
}

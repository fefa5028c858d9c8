import { describe, expect, test } from 'vitest';
import { formatEvent, toEventView } from '../../../src/api/event-view.ts';
import { toJobSummary, toJobView } from '../../../src/api/job-view.ts';
import { jobSchema, jobSummarySchema } from '../../../src/api/schema.ts';
import type { MediaProbe } from '../../../src/graph/media-probe.ts';
import type { JobSnapshot } from '../../../src/jobs/job-service.ts';
import { createJob } from '../../../src/scheduler/create-job.ts';
import type { JobState, NodeRecord } from '../../../src/scheduler/job-state.ts';
import { estimateOf, planOf } from '../../fakes/plans.ts';

const id = 'AAAAAAAAAAAAAAAAAAAAAA';
const sha256 = 'ab'.repeat(32);
const plan = planOf('a; b:a; c?:a; d:b,c', {
  a: { estimate: estimateOf(1) },
  b: { estimate: estimateOf(6) },
  c: { estimate: estimateOf(2) },
  d: { estimate: estimateOf(1) },
});

/** A job whose nodes are in these states. */
function snapshotOf(
  nodes: Readonly<Record<string, Partial<NodeRecord>>>,
  state: Partial<JobState> = {},
  progress: Readonly<Record<string, number>> = {},
): JobSnapshot {
  const job = createJob({ id, plan, priority: 5, atMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6) });
  const records = job.nodes.map((record) => ({ ...record, ...nodes[record.id] }));
  const upload = { name: 'film.mp4', bytes: 10, sha256, path: `incoming/${id}/in` };
  return {
    job: { state: { ...job, phase: 'running', nodes: records, ...state }, upload },
    progress: new Map(Object.entries(progress)),
  };
}

describe('The view of a job', () => {
  test('says of a node that an earlier result was used, and of its event', () => {
    const { nodes } = toJobView(snapshotOf({ a: { phase: 'succeeded', isReused: true } }), '');
    expect(nodes.map(({ reused }) => reused)).toEqual([true, undefined, undefined, undefined]);
    const node = { type: 'node', atMs: 0, nodeId: 'a', phase: 'succeeded', attempt: 1 } as const;
    const told = ({ isReused }: { isReused?: true }) =>
      toEventView({
        type: 'notice',
        sequence: 1,
        notice: { ...node, ...(isReused && { isReused }) },
      });
    expect(told({ isReused: true }).data).toMatchObject({ reused: true });
    expect(JSON.stringify(told({}).data)).not.toContain('reused');
  });

  test('is as the schema says, from a new job to a failed one', () => {
    const atMs = Date.UTC(2026, 0, 2);
    const failed = snapshotOf(
      {
        a: {
          phase: 'succeeded',
          attempt: 1,
          queuedAtMs: atMs,
          startedAtMs: atMs,
          endedAtMs: atMs,
          isReused: true,
        },
        b: {
          phase: 'failed',
          failure: { code: 'corrupt', message: 'x', operatorDetail: 'SECRET' },
        },
        c: { phase: 'skipped', skipReason: 'The source has no sound.' },
        d: { phase: 'delayed', dueAtMs: atMs },
      },
      {
        phase: 'failed',
        endedAtMs: atMs,
        failure: { code: 'corrupt', message: 'x', operatorDetail: 'SECRET', nodeId: 'b' },
        warnings: [{ code: 'w', message: 'y', nodeId: 'c' }],
      },
    );

    for (const snapshot of [snapshotOf({}, { phase: 'queued' }), failed]) {
      const view = toJobView(snapshot, '');
      expect(jobSchema.parse(JSON.parse(JSON.stringify(view)))).toEqual(view);
      const summary = toJobSummary(snapshot);
      expect(jobSummarySchema.parse(JSON.parse(JSON.stringify(summary)))).toEqual(summary);
    }
    const text = JSON.stringify(toJobView(failed, ''));
    expect(text).not.toMatch(/SECRET|incoming|operatorDetail/);
    expect(toJobView(failed, '')).toMatchObject({
      createdAt: '2026-01-02T03:04:05.006Z',
      endedAt: '2026-01-02T00:00:00.000Z',
      error: { code: 'corrupt', message: 'x', node: 'b' },
      warnings: [{ code: 'w', message: 'y', node: 'c' }],
      nodes: [
        { id: 'a', progress: 1 },
        { id: 'b', error: { code: 'corrupt', message: 'x' } },
        { id: 'c', optional: true, skipReason: 'The source has no sound.' },
        { id: 'd', dueAt: '2026-01-02T00:00:00.000Z', needs: ['b', 'c'] },
      ],
    });
  });

  test('lists products only, at addresses under the base', () => {
    const artifact = { role: 'rendition', mediaType: 'video/mp4', bytes: 9, sha256 } as const;
    const view = toJobView(
      snapshotOf({
        b: {
          phase: 'succeeded',
          artifacts: [
            { ...artifact, name: '720p video.mp4', product: true, path: 'jobs/x/y' },
            { ...artifact, name: 'inner.mp4', product: false, path: 'jobs/x/z' },
          ],
        },
      }),
      'https://video.example.org',
    );

    expect(view.artifacts).toEqual([
      {
        ...artifact,
        name: '720p video.mp4',
        url: `https://video.example.org/v1/jobs/${id}/artifacts/720p%20video.mp4`,
      },
    ]);
  });

  test('shows the film as a viewer sees it', () => {
    const media: MediaProbe = {
      formatName: 'mov',
      durationSec: 2.5,
      bytes: 10,
      video: {
        index: 0,
        codec: 'h264',
        codedWidth: 1920,
        codedHeight: 1080,
        displayWidth: 1080,
        displayHeight: 1920,
        rotationDegrees: 90,
        sampleAspectRatio: 1,
        pixelFormat: 'yuv420p',
        framesPerSecond: 30,
        isInterlaced: false,
        durationSec: 2.5,
      },
    };

    expect(toJobView(snapshotOf({}, { media }), '').media).toEqual({
      durationSec: 2.5,
      video: { codec: 'h264', width: 1080, height: 1920, framesPerSecond: 30 },
      audio: undefined,
    });
  });
});

describe('The progress of a job', () => {
  test.each<[string, JobSnapshot, number]>([
    ['is 0 at first', snapshotOf({}), 0],
    ['weighs nodes by their work', snapshotOf({ a: { phase: 'succeeded' } }), 0.1],
    [
      'counts what running nodes report',
      snapshotOf({ a: { phase: 'succeeded' }, b: { phase: 'running' } }, {}, { b: 0.5 }),
      0.4,
    ],
    [
      'leaves out what is skipped',
      snapshotOf({ a: { phase: 'succeeded' }, c: { phase: 'skipped' } }),
      1 / 8,
    ],
    [
      'leaves out an optional node that failed',
      snapshotOf({ a: { phase: 'succeeded' }, c: { phase: 'failed' } }),
      1 / 8,
    ],
    [
      'counts a node that had to succeed and failed as work not done',
      snapshotOf({ a: { phase: 'succeeded' }, b: { phase: 'failed' } }, { phase: 'failed' }),
      0.1,
    ],
    ['never leaves its range', snapshotOf({ b: { phase: 'running' } }, {}, { b: 7 }), 0.6],
    ['is 1 when the job succeeded', snapshotOf({}, { phase: 'succeeded' }), 1],
  ])('%s', (_, snapshot, progress) => {
    expect(toJobView(snapshot, '').progress).toBeCloseTo(progress);
  });

  test('is below 1 until the job has succeeded', () => {
    const done = { phase: 'succeeded' } as const;
    const last = { phase: 'running' } as const;

    const view = toJobView(snapshotOf({ a: done, b: done, c: done, d: last }, {}, { d: 1 }), '');

    expect(view.progress).toBeLessThan(1);
  });
});

test('An event is text with its place in the history, so that a client can go on behind it', () => {
  const notice = {
    type: 'node',
    atMs: 0,
    nodeId: 'a',
    phase: 'running',
    attempt: 1,
    cores: 2,
  } as const;

  const kept = formatEvent(toEventView({ type: 'notice', sequence: 7, notice }));
  const passing = formatEvent(toEventView({ type: 'progress', nodeId: 'a', fraction: 1.5 }));

  expect(kept).toBe(
    'id: 7\nevent: node\ndata: {"at":"1970-01-01T00:00:00.000Z","node":"a","state":"running",' +
      '"attempt":1,"cores":2}\n\n',
  );
  expect(passing).toBe('event: progress\ndata: {"node":"a","progress":1}\n\n');
});

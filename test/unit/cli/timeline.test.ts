import { describe, expect, test } from 'vitest';
import { criticalPath, unblockerOf, type JobView } from '../../../src/cli/job-view.ts';
import { renderLines } from '../../../src/cli/text.ts';
import { renderTimeline, runFigures } from '../../../src/cli/timeline.ts';
import { createdAtMs, finishedJob, idle, ran } from './sample-job.ts';

function draw(job: JobView, width = 120, unicode = true): readonly string[] {
  const style = { color: false, unicode };
  return renderLines(renderTimeline(job, { width, style }), style)
    .split('\n')
    .slice(0, -1)
    .map((line) => line.trimEnd());
}

describe('the timeline', () => {
  test('shows when each node waited and ran, on what, and whose end let it go', () => {
    expect(draw(finishedJob, 110)).toEqual([
      'Timeline  9.3 s in all, 12.9 core-seconds reserved, 2 cores in use at the peak',
      '                    0 s                      9.3 s',
      '* validate          █                                 295 ms  1 core',
      '  extract-audio      ████                              1.2 s  1 core   after validate',
      '  thumbnail          ░░░░█                            490 ms  1 core   after validate, waited 1.2 s for a core',
      '* transcode-720p     ████████████████████████████      8.7 s  1 core   after validate',
      '  transcode-1080p                                   skipped: the source is smaller',
      '  recognize-speech       ░███████                      2.0 s  1 core   after extract-audio, waited 510 ms for a core',
      '* merge-720p                                     █    196 ms  1 core   after transcode-720p',
      '  merge-1080p                                       skipped: its input was skipped',
      '* publish                                        █     97 ms           after merge-720p',
      '█ ran  ░ waited for a core  * the chain that the end waited for',
    ]);
  });

  test('says what was not made again', () => {
    const reused = { ...ran('b', ['a'], { queued: 0, started: 0, ended: 5, cores: 0 }) };
    const nodes = [
      ran('a', [], { queued: 0, started: 0, ended: 5 }),
      { ...reused, isReused: true as const },
    ];
    const rows = draw({ ...finishedJob, endedAtMs: createdAtMs + 5, nodes });
    expect(rows[2]).not.toContain('reused');
    expect(rows[3]).toMatch(/  reused, after a$/);
  });

  test('keeps to ASCII where asked', () => {
    expect(draw(finishedJob, 100, false).join('')).toMatch(/^[ -~]*$/);
  });

  test('gives every node that ran a column, and none outside of the chart', () => {
    const nodes = [
      ran('first', [], { queued: 0, started: 0, ended: 0 }),
      ran('last', ['first'], { queued: 100_000, started: 100_000, ended: 100_000 }),
    ];
    const job = { ...finishedJob, endedAtMs: createdAtMs + 100_000, nodes };
    const bars = draw(job, 10).slice(2, 4);
    expect(bars[0]).toMatch(/^\* first {2}█ {15} {2}/);
    expect(bars[1]).toMatch(/^\* last {18}█ {2}/);
  });

  test('survives a job that ended before anything ran', () => {
    const job: JobView = {
      ...finishedJob,
      phase: 'cancelled',
      endedAtMs: createdAtMs,
      nodes: [idle('validate', [], { phase: 'cancelled' })],
    };
    expect(draw(job)[0]).toBe('Timeline  0 ms in all, 0.0 core-seconds reserved');
    expect(draw(job)[2]).toMatch(/^ {2}validate +cancelled$/);
  });

  test('names the state of a node that did not succeed, and its attempt', () => {
    const nodes = [
      {
        ...ran('only', [], { queued: 0, started: 500, ended: 1000 }),
        phase: 'failed' as const,
        attempt: 3,
      },
    ];
    const line = draw({ ...finishedJob, phase: 'failed', nodes })[2];
    expect(line).toContain('500 ms  1 core   failed  attempt 3');
    expect(line).not.toContain('waited');
  });
});

describe('the figures of a run', () => {
  test('count the cores at the peak, not over time', () => {
    const nodes = [
      ran('a', [], { queued: 0, started: 0, ended: 1000, cores: 2 }),
      ran('b', [], { queued: 0, started: 1000, ended: 3000, cores: 1 }),
      ran('c', [], { queued: 0, started: 1500, ended: 2000, cores: 2 }),
    ];
    const figures = runFigures({ ...finishedJob, nodes, endedAtMs: createdAtMs + 3000 });
    expect(figures).toEqual({ totalMs: 3000, coreSeconds: 5, coresPeak: 3 });
  });
});

describe('the chain that the end waited for', () => {
  test('follows the last need to end, back to a root', () => {
    expect(criticalPath(finishedJob.nodes)).toEqual([
      'validate',
      'transcode-720p',
      'merge-720p',
      'publish',
    ]);
  });

  test('is empty while nothing has run', () => {
    expect(criticalPath([idle('a', [], { phase: 'waiting' })])).toEqual([]);
  });

  test('takes the later of two needs that ended in one moment', () => {
    const nodes = [
      ran('a', [], { queued: 0, started: 0, ended: 10 }),
      ran('b', [], { queued: 0, started: 0, ended: 10 }),
      ran('c', ['a', 'b'], { queued: 10, started: 10, ended: 20 }),
    ];
    expect(unblockerOf(nodes[2]!, nodes)?.id).toBe('b');
  });
});

import { describe, expect, test } from 'vitest';
import { renderLines, type Style } from '../../../src/cli/text.ts';
import { progressBar, renderTree } from '../../../src/cli/tree.ts';
import { createdAtMs, finishedJob, idle, ran, runningJob } from './sample-job.ts';

const plain: Style = { color: false, unicode: true };
const ascii: Style = { color: false, unicode: false };
const nowMs = createdAtMs + 5000;

function draw(job = runningJob, options: { width?: number; rowsMax?: number; style?: Style } = {}) {
  const { width = 100, style = plain, rowsMax } = options;
  const lines = renderTree(job, { nowMs, width, style, ...(rowsMax && { rowsMax }) });
  return renderLines(lines, style).split('\n').slice(0, -1);
}

describe('the live tree', () => {
  test('shows each node below the need that is farthest from the start', () => {
    expect(draw()).toEqual([
      '✔ validate                295 ms  1 core',
      '├─ ✔ extract-audio        1.2 s  1 core',
      '│  └─ ● recognize-speech  3.0 s  1 core',
      '│     ├─ ○ merge-720p     waits for transcode-720p, recognize-speech',
      '│     └─ – merge-1080p    skipped: its input was skipped',
      '│        └─ ○ publish     waits for thumbnail, merge-720p',
      '├─ ◎ thumbnail            waits for its turn',
      '├─ ● transcode-720p       ██████████░░░░░░░░░░░░░░  42 %  4.7 s  1 core',
      '└─ – transcode-1080p      skipped: the source is smaller',
      '',
      'running  4 of 9 nodes done, 2 cores busy, 5.0 s',
    ]);
  });

  test('does without symbols and bars where the terminal cannot show them', () => {
    const lines = draw(runningJob, { width: 60, style: ascii });
    expect(lines[0]).toBe('+ validate                295 ms  1 core');
    expect(lines[2]).toBe('|  `- > recognize-speech  3.0 s  1 core');
    expect(lines[7]).toBe('|- > transcode-720p         42 %  4.7 s  1 core');
    expect(lines.join('')).toMatch(/^[ -~]*$/);
  });

  test('has the same number of lines while a job runs and when it has ended', () => {
    expect(draw(finishedJob)).toHaveLength(draw(runningJob).length);
  });

  test('says what was not made again', () => {
    const node = ran('a', [], { queued: 0, started: 0, ended: 5, cores: 0 });
    const nodes = [
      { ...node, isReused: true as const },
      ran('b', [], { queued: 0, started: 0, ended: 5 }),
    ];
    expect(draw({ ...finishedJob, nodes }).slice(0, 2)).toEqual([
      '✔ a  5 ms  reused',
      '✔ b  5 ms  1 core',
    ]);
  });

  test('says that all is done', () => {
    expect(draw(finishedJob).at(-1)).toBe('succeeded  9 of 9 nodes done, 9.3 s');
  });

  test('shows why a node failed, is tried again or was cancelled', () => {
    const nodes = [
      { ...ran('a', [], { queued: 0, started: 0, ended: 1000 }), phase: 'failed' as const },
      idle('b', [], { phase: 'delayed', reason: 'the disk was full' }),
      idle('c', [], { phase: 'cancelled' }),
      { ...ran('d', [], { queued: 0, started: 0, cores: 2 }), attempt: 2 },
    ];
    const job = { ...runningJob, nodes: [{ ...nodes[0]!, reason: 'no room' }, ...nodes.slice(1)] };
    expect(draw(job).slice(0, 4)).toEqual([
      '✖ a  no room',
      '↻ b  tries again: the disk was full',
      '■ c  cancelled',
      '● d  5.0 s  2 cores  attempt 2',
    ]);
  });

  test('keeps to the height of the screen and shows what runs or failed', () => {
    const lines = draw(runningJob, { rowsMax: 7 });
    expect(lines).toEqual([
      '│  └─ ● recognize-speech  3.0 s  1 core',
      '│     ├─ ○ merge-720p     waits for transcode-720p, recognize-speech',
      '├─ ◎ thumbnail            waits for its turn',
      '├─ ● transcode-720p       ██████████░░░░░░░░░░░░░░  42 %  4.7 s  1 core',
      'and 5 more, for which there is no room',
      '',
      'running  4 of 9 nodes done, 2 cores busy, 5.0 s',
    ]);
    for (const rowsMax of [1, 2, 3, 5, 10, 11]) {
      expect(draw(runningJob, { rowsMax }).length).toBeLessThanOrEqual(rowsMax);
    }
  });

  test('colors states by their meaning', () => {
    const line = draw(runningJob, { style: { color: true, unicode: true } })[0];
    expect(line).toBe(
      '\u001B[32m✔ \u001B[0mvalidate                \u001B[2m295 ms  1 core\u001B[0m',
    );
  });
});

describe('a progress bar', () => {
  test.each([
    [0, '░░░░'],
    [0.5, '██░░'],
    [1, '████'],
    [7, '████'],
    [-1, '░░░░'],
  ])('at %s is %s', (fraction, bar) => {
    const text = progressBar(fraction, 4, plain).map((part) => part.text);
    expect(text.join('')).toBe(bar);
  });
});

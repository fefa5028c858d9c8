import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { keepForEver } from '../../../src/jobs/retention.ts';
import { JobRig } from '../../support/job-rig.ts';
import { hostOf } from '../../fakes/makespan.ts';
import { Random } from '../../fakes/random.ts';

describe('the standard pipeline', () => {
  it('starts each node by the end of its last need, at no passing of time', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, capacity: hostOf(16) });
    const job = await rig.submitStandard();
    const running = () => rig.running(job);
    expect(await running()).toEqual(['validate']);
    await rig.succeed(job, 'validate');
    const fromSource = ['extract-audio', 'thumbnail', 'transcode-720p', 'transcode-1080p'];
    expect(await running()).toEqual(fromSource);
    await rig.succeed(job, 'extract-audio');
    expect(await running()).toEqual([...fromSource.slice(1), 'recognize-speech']);
    await rig.succeed(job, 'transcode-720p');
    expect(await running()).toEqual(['thumbnail', 'transcode-1080p', 'recognize-speech']);
    // The later of the two needs of merge-720p, while the other rendition is still being made.
    await rig.succeed(job, 'recognize-speech');
    expect(await running()).toEqual(['thumbnail', 'transcode-1080p', 'merge-720p']);
    await rig.succeed(job, 'transcode-1080p');
    expect(await running()).toEqual(['thumbnail', 'merge-720p', 'merge-1080p']);
    await rig.succeed(job, 'merge-720p');
    await rig.succeed(job, 'merge-1080p');
    expect(await running()).toEqual(['thumbnail']);
    await rig.succeed(job, 'thumbnail');
    expect(await running()).toEqual(['publish']);
    await rig.succeed(job, 'publish');
    expect((await rig.ended(job)).phase).toBe('succeeded');
    expect(rig.clock.nowMs()).toBe(0);
  });

  it('hands each node the files of its needs', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, capacity: hostOf(16) });
    const job = await rig.submitStandard();
    const { attempt: validate } = await rig.puppets.begun(job, 'validate');
    expect(await readFile(validate.upload.path, 'utf8')).toBe('a film');
    expect(validate.media).toBeUndefined();
    for (const nodeId of ['validate', 'extract-audio', 'recognize-speech', 'transcode-720p']) {
      await rig.succeed(job, nodeId);
    }
    const { attempt } = await rig.puppets.begun(job, 'merge-720p');
    expect(attempt.media?.durationSec).toBe(60);
    const video = attempt.inputs.one('video');
    expect(await readFile(video?.path ?? '', 'utf8')).toBe(
      '720p.video.mp4 of transcode-720p, attempt 1',
    );
    expect(attempt.inputs.every('captions').map(({ name }) => name)).toEqual([
      'captions.vtt',
      'captions.srt',
    ]);
    expect(attempt.inputs.one('image')).toBeUndefined();
  });

  it('leaves only the products, once the job succeeded', async () => {
    await using directory = await createTempDirectory();
    const retention = { ...keepForEver, sourceMs: 0 };
    const rig = await JobRig.open({ directory: directory.path, retention });
    const job = await rig.submitStandard();
    await playToEnd(rig, [job]);
    await rig.tidied;
    await rig.close();
    expect(await rig.outputs(job)).toEqual([
      'extract-audio/1/audio.m4a',
      'merge-1080p/1/1080p.mp4',
      'merge-720p/1/720p.mp4',
      'publish/1/manifest.json',
      'recognize-speech/1/captions.srt',
      'recognize-speech/1/captions.vtt',
      'recognize-speech/1/transcript.json',
      'thumbnail/1/thumbnail.jpg',
    ]);
  });
});

describe('the budget', () => {
  it('of two cores and one slot is never exceeded while many jobs run', async () => {
    await using directory = await createTempDirectory();
    const capacity = { ...hostOf(2), ioSlots: 1 };
    await using rig = await JobRig.open({ directory: directory.path, capacity });
    const used: { cores: number; slots: number }[] = [];
    rig.puppets.onBegin = () => {
      const active = [...rig.puppets.active].map(({ attempt }) => attempt.cores);
      const cores = active.reduce((sum, count) => sum + count, 0);
      used.push({ cores, slots: active.filter((count) => count === 0).length });
    };
    const jobs = await Promise.all(Array.from({ length: 10 }, () => rig.submitStandard()));
    await playToEnd(rig, jobs);
    expect(used).toHaveLength(90);
    expect(Math.max(...used.map(({ cores }) => cores))).toBe(2);
    expect(Math.max(...used.map(({ slots }) => slots))).toBe(1);
    for (const job of jobs) expect((await rig.job(job)).phase).toBe('succeeded');
  });

  it('is what a node is told, and what its record says', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, capacity: hostOf(3) });
    const job = await rig.submitStandard();
    await rig.succeed(job, 'validate');
    await rig.running(job);
    for (const { attempt } of rig.puppets.runs) {
      expect(attempt.cores).toBe((await rig.node(job, attempt.nodeId)).cores);
    }
  });
});

/** Lets all jobs go to their ends, in a random but repeatable order of ends. */
async function playToEnd(rig: JobRig, jobs: readonly string[]): Promise<void> {
  const random = new Random(7);
  const ended = Promise.all(jobs.map((job) => rig.ended(job)));
  for (;;) {
    const waiting = await Promise.race([rig.puppets.waiting(), ended.then(() => [])]);
    if (waiting.length === 0) return;
    await random.pick(waiting).succeed();
  }
}

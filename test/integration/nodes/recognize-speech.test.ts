import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { ok } from '../../../src/base/result.ts';
import { extractAudio } from '../../../src/nodes/extract-audio.ts';
import { merge } from '../../../src/nodes/merge.ts';
import { recognizeSpeech } from '../../../src/nodes/recognize-speech.ts';
import { transcode } from '../../../src/nodes/transcode.ts';
import { createRecognizer } from '../../../src/speech/create-recognizer.ts';
import type { Recognizer, TranscriptSegment } from '../../../src/speech/recognizer.ts';
import { runProgram } from '../../support/media.ts';
import { attemptOf, inputArtifact } from '../../support/node-attempt.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import { anyToolchain } from '../../support/toolchains.ts';
import { said, transcriptOf } from '../../unit/nodes/sample-transcript.ts';
import { describeKind } from './rig.ts';

const modelDirectory = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'speech-model');
const modelPath = join(modelDirectory, 'ggml-digits.bin');
const sample = join(modelDirectory, 'sample.wav');

/** The engine that a service would choose, with the small model of the tests. */
const recognizer = createRecognizer({
  engine: 'auto',
  model: modelPath,
  modelsDir: modelDirectory,
  clock: systemClock,
  logger: silentLogger,
});

/** Gives these segments whatever it hears. */
function saying(segments: readonly TranscriptSegment[], durationMs: number): Recognizer {
  return {
    name: 'saying',
    recognize: () => Promise.resolve(ok(transcriptOf(segments, { durationMs }))),
  };
}

/** Runs the kind on a WAV file, with its outputs in a directory. */
async function recognize(engine: Recognizer, path: string, outputDirectory: string) {
  const { size: bytes } = await stat(path);
  const input = inputArtifact({ name: basename(path), role: 'speech', path, bytes });
  const outcome = await recognizeSpeech(engine, modelPath).run(
    attemptOf({}, { inputs: [input], outputDirectory }),
  );
  if (!outcome.ok) throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
  return outcome.value;
}

/** A caption as ffmpeg reads it. */
interface ReadCue {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
}

/** What ffmpeg reads from a captions file: the texts as SubRip, which it writes without escapes. */
async function readCues(path: string): Promise<readonly ReadCue[]> {
  const { ffmpeg } = await anyToolchain();
  const args = ['-v', 'error', '-i', path, '-f', 'srt', 'pipe:1'];
  const text = (await runProgram(ffmpeg.path, args)).toString();
  const block = /^\d+\n([\d:,]+) --> ([\d:,]+)\n([^]*?)\n\n/gm;
  return [...text.matchAll(block)].map(([, start = '', end = '', lines = '']) => ({
    startMs: toMs(start),
    endMs: toMs(end),
    // ffmpeg ends the lines within a cue by CR LF.
    text: lines.replaceAll('\r\n', '\n'),
  }));
}

function toMs(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0, ms = 0] = time.split(/[:,]/).map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}

/** How far the model's times may be off. */
const toleranceMs = 150;

const spokenSchema = z.object({
  text: z.string(),
  segments: z.array(z.object({ t0: z.number(), t1: z.number(), text: z.string() })),
});

describe('recognize-speech', () => {
  let directory: TempDirectory;

  beforeAll(async () => {
    directory = await createTempDirectory();
  });

  afterAll(async () => {
    await directory[Symbol.asyncDispose]();
  });

  it('writes down what is said in a recording, when it is said, in all three files', async () => {
    await using made = await createTempDirectory();
    const spoken = spokenSchema.parse(
      JSON.parse(await readFile(join(modelDirectory, 'sample.json'), 'utf8')),
    );
    const { files, warnings = [] } = await recognize(recognizer, sample, made.path);
    expect(files.map(({ name }) => name)).toEqual([
      'captions.vtt',
      'captions.srt',
      'transcript.json',
    ]);
    expect(warnings).toEqual([]);
    for (const name of ['captions.vtt', 'captions.srt']) {
      const cues = await readCues(join(made.path, name));
      expect(cues.map(({ text }) => text)).toEqual(spoken.segments.map(({ text }) => text));
      for (const [index, { startMs, endMs }] of cues.entries()) {
        const { t0 = 0, t1 = 0 } = spoken.segments[index] ?? {};
        expect(Math.abs(startMs - t0)).toBeLessThan(toleranceMs);
        expect(Math.abs(endMs - t1)).toBeLessThan(toleranceMs);
      }
    }
    const transcript: unknown = JSON.parse(
      await readFile(join(made.path, 'transcript.json'), 'utf8'),
    );
    expect(transcript).toMatchObject({
      language: 'en',
      durationSec: expect.closeTo(10.776, 2),
      model: 'ggml-digits.bin',
      segments: spoken.segments.map(({ text }) => ({ text })),
    });
  });

  it('invents nothing in silence', async () => {
    await using made = await createTempDirectory();
    const { ffmpeg } = await anyToolchain();
    const silence = join(directory.path, 'silence.wav');
    const source = ['-f', 'lavfi', '-i', 'anullsrc=r=16000:cl=mono', '-t', '3'];
    await runProgram(ffmpeg.path, ['-v', 'error', ...source, '-bitexact', silence]);
    const { files, warnings = [] } = await recognize(recognizer, silence, made.path);
    expect(files.map(({ name }) => name)).toEqual(['captions.vtt', 'transcript.json']);
    expect(warnings.map(({ code }) => code)).toEqual(['no_speech']);
    expect((await readdir(made.path)).toSorted()).toEqual(['captions.vtt', 'transcript.json']);
    expect(await readFile(join(made.path, 'captions.vtt'), 'utf8')).not.toContain('-->');
  });

  it('writes captions of long films and with markup in them that ffmpeg reads as they are', async () => {
    await using made = await createTempDirectory();
    const hourMs = 3_600_000;
    const segments = [
      said('R&D <is> 1 --> 2', 500, 1500),
      said('Ça va\u00A0? Grüße, 月に行く', 2 * hourMs + 1, 2 * hourMs + 2500),
      said('one two three four five six seven eight nine', 3 * hourMs, 3 * hourMs + 4000),
    ];
    await recognize(saying(segments, 4 * hourMs), sample, made.path);
    const cues = await readCues(join(made.path, 'captions.vtt'));
    expect(cues.map(({ startMs, endMs }) => [startMs, endMs])).toEqual(
      segments.map(({ startMs, endMs }) => [startMs, endMs]),
    );
    expect(cues.map(({ text }) => text.replaceAll('\n', ' '))).toEqual(
      segments.map(({ text }) => text),
    );
  });
});

describeKind('captions of recognize-speech', (rig) => {
  it('become a track of the film, in the language spoken', async () => {
    await using made = await createTempDirectory();
    const source = await rig.clip('film');
    const params = { resolution: 720, crf: 23, preset: 'ultrafast' } as const;
    const video = await rig.run(transcode(rig.tools), 'film', params);
    const sound = await rig.run(extractAudio(rig.tools), 'film', { bitrateBps: 128_000 });
    const segments = [said('hello world', 500, 1100), said('start', 1200, 1700)];
    await recognize(saying(segments, 2000), sound.path('speech.wav'), made.path);
    const { path } = await rig.runOn(merge(rig.tools), { name: '720p' }, [
      { role: 'source', path: source },
      { role: 'video', path: video.path('720p.video.mp4') },
      { role: 'audio', path: sound.path('audio.m4a') },
      { role: 'captions', path: join(made.path, 'captions.vtt') },
      { role: 'captions', path: join(made.path, 'captions.srt') },
    ]);
    const entries = 'stream=codec_name:stream_tags=language:packet=pts_time,duration_time';
    const { streams, packets = [] } = await rig.inspect(
      path('720p.mp4'),
      entries,
      '-select_streams',
      's',
    );
    expect(streams).toEqual([{ codec_name: 'mov_text', tags: { language: 'eng' } }]);
    const shown = packets.map(({ pts_time: start, duration_time: length }) => [
      Number(start),
      Number(length),
    ]);
    expect(shown).toContainEqual([0.5, 0.6]);
    expect(shown).toContainEqual([1.2, 0.5]);
  });
});

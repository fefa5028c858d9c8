import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cueMsMax, toCues } from '../../../src/nodes/caption-cues.ts';
import { lineWidthMax, widthOf } from '../../../src/nodes/caption-pieces.ts';
import { cleanText, fitTranscript } from '../../../src/nodes/fit-transcript.ts';
import { toSubRip } from '../../../src/nodes/subrip.ts';
import { toWebVtt } from '../../../src/nodes/webvtt.ts';
import type {
  Transcript,
  TranscriptSegment,
  TranscriptWord,
} from '../../../src/speech/recognizer.ts';

/** Words and what else may come as text, in scripts with and without blanks. */
const texts = fc.oneof(
  fc
    .array(
      fc.oneof(
        fc.constantFrom('hello', 'world.', 'ask,', '<b>', 'R&D', '-->', '&lt;', 'NOTE', 'STYLE'),
        fc.string({ unit: fc.constantFrom('a', 'é', '1', "'"), minLength: 1, maxLength: 60 }),
      ),
      { maxLength: 60 },
    )
    .map((words) => words.join(' ')),
  fc.string({
    unit: fc.constantFrom(...Array.from('月に行くことを選びます。、ไปดวงจันทร์')),
    maxLength: 200,
  }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('WEBVTT', '', ' ', '\n\n00:00:00.000 --> 00:00:01.000\n', '\u0000', '\uD800'),
);

const timesMs = fc.oneof(
  fc.integer({ min: -1000, max: 40_000 }),
  fc.integer({ min: 0, max: 400_000_000 }),
  fc.double({ min: 0, max: 40_000, noNaN: true }),
);

/** Words that spell the text at times of any kind, or words that spell something else. */
function wordsOf(text: string): fc.Arbitrary<readonly TranscriptWord[]> {
  const parts = text.split(' ');
  const own = fc
    .array(fc.tuple(timesMs, timesMs), { minLength: parts.length, maxLength: parts.length })
    .map((times) =>
      times.map(([startMs, endMs], index) => ({ startMs, endMs, text: parts[index] ?? '' })),
    );
  const other = fc.array(fc.record({ startMs: timesMs, endMs: timesMs, text: texts }), {
    maxLength: 5,
  });
  return fc.oneof({ arbitrary: own, weight: 3 }, other);
}

const segments: fc.Arbitrary<TranscriptSegment> = texts.chain((text) =>
  fc.record(
    {
      text: fc.constant(text),
      startMs: timesMs,
      endMs: timesMs,
      words: wordsOf(text),
    },
    { requiredKeys: ['text', 'startMs', 'endMs'] },
  ),
);

const transcripts: fc.Arbitrary<Transcript> = fc.record({
  language: fc.constantFrom('en', 'zh', 'yue', '', 'x\n\n'),
  isLanguageDetected: fc.boolean(),
  durationMs: fc.oneof(fc.integer({ min: 0, max: 40_000 }), fc.constant(400_000_000)),
  recognizer: fc.constant('addon'),
  model: fc.constant('ggml-base.bin'),
  segments: fc.array(segments, { maxLength: 12 }),
});

/** What a WebVTT parser sees, written down from the standard (W3C WebVTT, 6.1 and 6.4). */
function readWebVtt(text: string): readonly { times: readonly number[]; text: string }[] {
  const [header = '', ...blocks] = text.split(/\n{2,}/);
  expect(header).toMatch(/^WEBVTT(\nLanguage: [a-z]{2,3})?\n?$/);
  return blocks.map((block) => {
    const [first = '', ...lines] = block.replace(/\n$/, '').split('\n');
    const times = /^(\d{2,}):(\d\d):(\d\d)\.(\d{3}) --> (\d{2,}):(\d\d):(\d\d)\.(\d{3})$/.exec(
      first,
    );
    const parts = times?.slice(1).map(Number) ?? [];
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => line.trim() === '' || /[<>]/.test(line))).toEqual([]);
    return {
      times: [toMs(parts.slice(0, 4)), toMs(parts.slice(4))],
      text: lines.map(unescapeText).join('\n'),
    };
  });
}

function toMs([hours = Number.NaN, minutes = 0, seconds = 0, ms = 0]: readonly number[]): number {
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}

function unescapeText(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

function webVttOf(transcript: Transcript): string {
  const fitted = fitTranscript(transcript);
  return toWebVtt(toCues(fitted), fitted.language);
}

/** The letters of a text: where it may be broken is of no matter. */
function lettersOf(text: string): string {
  return text.replaceAll(/[ \n]/g, '');
}

test('the cues of any transcript are in order, apart from each other and within the recording', () => {
  fc.assert(
    fc.property(transcripts, (transcript) => {
      const cues = readWebVtt(webVttOf(transcript));
      const times = cues.flatMap((cue) => cue.times);
      expect(times).toEqual(times.toSorted((left, right) => left - right));
      for (const {
        times: [startMs = 0, endMs = 0],
      } of cues) {
        expect(endMs).toBeGreaterThan(startMs);
        expect(endMs - startMs).toBeLessThanOrEqual(cueMsMax);
        expect(endMs).toBeLessThanOrEqual(Math.max(transcript.durationMs, cues.length));
      }
    }),
  );
});

test('the cues of any transcript hold all that is said, and no more', () => {
  fc.assert(
    fc.property(transcripts, (transcript) => {
      const shown = readWebVtt(webVttOf(transcript)).map(({ text }) => lettersOf(text));
      const said = transcript.segments.map(({ text }) => lettersOf(cleanText(text)));
      expect(shown.join('')).toBe(said.join(''));
    }),
  );
});

test('words that fit on a line are never broken', () => {
  const word = fc.string({
    unit: fc.constantFrom('a', 'b', '<', '&'),
    minLength: 1,
    maxLength: 42,
  });
  const sentence = fc.array(word, { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(transcripts, fc.array(sentence, { maxLength: 5 }), (transcript, sentences) => {
      const spoken = sentences.map((words, index) => ({
        startMs: index * 5000,
        endMs: (index + 1) * 5000,
        text: words.join(' '),
      }));
      const cues = readWebVtt(webVttOf({ ...transcript, segments: spoken }));
      expect(cues.flatMap(({ text }) => text.split(/[ \n]/))).toEqual(sentences.flat());
    }),
  );
});

test('the cues of any transcript have one line or two, and none is too wide', () => {
  fc.assert(
    fc.property(transcripts, (transcript) => {
      for (const { lines } of toCues(fitTranscript(transcript))) {
        expect([1, 2]).toContain(lines.length);
        for (const line of lines) {
          expect(line.trim()).not.toBe('');
          expect(widthOf(line)).toBeLessThanOrEqual(lineWidthMax);
        }
      }
    }),
  );
});

test('SubRip holds the same cues in the same number of blocks', () => {
  fc.assert(
    fc.property(transcripts, (transcript) => {
      const cues = toCues(fitTranscript(transcript));
      const blocks = toSubRip(cues)
        .split(/\n{2,}/)
        .filter((block) => block !== '');
      expect(blocks.map((block) => block.split('\n')[0])).toEqual(
        cues.map((_cue, index) => String(index + 1)),
      );
      expect(toSubRip(cues).match(/-->/g) ?? []).toHaveLength(cues.length);
    }),
  );
});

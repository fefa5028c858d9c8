import { expect, it } from 'vitest';
import { transcriptJson } from '../../../src/nodes/transcript-json.ts';
import { said, transcriptOf } from './sample-transcript.ts';

it('a transcript is written with times in seconds, and with words where it has them', () => {
  const segments = [
    {
      ...said('hello world', 300, 1240),
      words: [said('hello', 300, 640), said('world', 650, 1240)],
    },
    said('stop', 9820, 10_360),
  ];
  expect(transcriptJson(transcriptOf(segments, { durationMs: 10_776 }))).toEqual({
    version: 1,
    language: 'en',
    isLanguageDetected: true,
    durationSec: 10.776,
    recognizer: 'addon',
    model: 'ggml-base.bin',
    segments: [
      {
        startSec: 0.3,
        endSec: 1.24,
        text: 'hello world',
        words: [
          { startSec: 0.3, endSec: 0.64, text: 'hello' },
          { startSec: 0.65, endSec: 1.24, text: 'world' },
        ],
      },
      { startSec: 9.82, endSec: 10.36, text: 'stop' },
    ],
  });
});

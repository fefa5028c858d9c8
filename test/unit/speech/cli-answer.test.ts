import { describe, expect, test } from 'vitest';
import { parseCliAnswer } from '../../../src/speech/cli-answer.ts';

function answerOf(transcription: unknown): string {
  return JSON.stringify({
    systeminfo: 'AVX = 1',
    model: { type: 'base', multilingual: true },
    params: { model: 'x.bin', language: 'auto', translate: false },
    result: { language: 'en' },
    transcription,
  });
}

function token(text: string, from?: number, to?: number) {
  return { text, id: 1, p: 0.9, ...(from === undefined ? {} : { offsets: { from, to } }) };
}

const hello = {
  timestamps: { from: '00:00:00,300', to: '00:00:01,240' },
  offsets: { from: 300, to: 1240 },
  text: ' hello world',
};

describe('an answer of the command line', () => {
  test('gives the language, and segments with words but without marks', () => {
    const tokens = [
      token('[_BEG_]', 0, 0),
      token(' hello', 350, 620),
      token(' world', 620, 1150),
      token('[_TT_62]', 1240, 1240),
    ];
    expect(parseCliAnswer(answerOf([{ ...hello, tokens }]))).toEqual({
      ok: true,
      value: {
        language: 'en',
        segments: [
          {
            startMs: 300,
            endMs: 1240,
            text: ' hello world',
            words: [
              { startMs: 350, endMs: 620, text: 'hello' },
              { startMs: 620, endMs: 1150, text: 'world' },
            ],
          },
        ],
      },
    });
  });

  test('may have no tokens, or tokens without times', () => {
    const tokens = [token(' hello'), token(' world')];
    const parsed = parseCliAnswer(answerOf([hello, { ...hello, tokens }]));
    expect(parsed.ok && parsed.value.segments[0]).toEqual({
      startMs: 300,
      endMs: 1240,
      text: ' hello world',
    });
    expect(parsed.ok && parsed.value.segments[1]?.text).toBe(' hello world');
  });

  test('is read although its line breaks are not escaped', () => {
    const json = answerOf([{ ...hello, text: ' hello|world' }]).replace('|', '\n');
    const parsed = parseCliAnswer(json);
    expect(parsed.ok && parsed.value.segments[0]?.text).toBe(' hello world');
  });

  test.each(['', '{"result":', '[]', answerOf([{ text: 'no times' }])])(
    'that is broken is a failure: %j',
    (json) => {
      expect(parseCliAnswer(json)).toMatchObject({ ok: false, error: { code: 'tool' } });
    },
  );
});

import { describe, expect, it } from 'vitest';
import { captionsFacts } from '../../../src/nodes/captions-text.ts';
import { toWebVtt } from '../../../src/nodes/webvtt.ts';

describe('toWebVtt', () => {
  it('writes header, times and lines', () => {
    const cues = [
      { startMs: 300, endMs: 1240, lines: ['hello world'] },
      { startMs: 3_600_000, endMs: 3_601_500, lines: ['two', 'lines'] },
    ];
    expect(toWebVtt(cues, 'en')).toBe(
      [
        'WEBVTT',
        'Language: en',
        '',
        '00:00:00.300 --> 00:00:01.240',
        'hello world',
        '',
        '01:00:00.000 --> 01:00:01.500',
        'two',
        'lines',
        '',
      ].join('\n'),
    );
  });

  it('writes spoken markup as text', () => {
    const text = toWebVtt([{ startMs: 0, endMs: 1, lines: ['<b>R&D</b> --> &lt;'] }], 'en');
    expect(text).toContain('\n&lt;b&gt;R&amp;D&lt;/b&gt; --&gt; &amp;lt;\n');
  });

  it('is read as captions without a cue where nothing was said', () => {
    expect(toWebVtt([], 'de')).toBe('WEBVTT\nLanguage: de\n');
    expect(captionsFacts(toWebVtt([], 'de'))).toEqual({ hasCues: false, language: 'de' });
  });

  it('names only what is a language', () => {
    for (const language of ['', 'und', 'en\n\n', 'english', 'en-US']) {
      expect(toWebVtt([], language)).toBe('WEBVTT\n');
    }
  });
});

import { expect, test } from 'vitest';
import { fromWhisperLanguage, toWhisperLanguage } from '../../../src/speech/whisper-language.ts';

test('Javanese has a code of its own in Whisper models, and its usual one everywhere else', () => {
  expect([toWhisperLanguage('jv'), toWhisperLanguage('jw')]).toEqual(['jw', 'jw']);
  expect(fromWhisperLanguage('jw')).toBe('jv');
});

test.each(['en', 'de', 'yue', 'auto'])('%s is the same for both', (code) => {
  expect(toWhisperLanguage(code)).toBe(code);
  expect(fromWhisperLanguage(code)).toBe(code);
});

import { expect, test } from 'vitest';
import { cliArguments } from '../../../src/speech/cli-recognizer.ts';

test('the command line gets every window as a file, and each option as two tokens', () => {
  const args = cliArguments(
    {
      model: { path: '/models/a b.bin', name: 'a b.bin', isEnglishOnly: false },
      request: { path: '/x.wav', durationSec: 60, threads: 3, scratchDirectory: '/scratch' },
    },
    { language: 'auto', count: 2 },
  );
  expect(args.join(' ')).toBe(
    '--model /models/a b.bin --language auto --threads 3 --processors 1 --max-context 0 --beam-size 1 ' +
      '--no-gpu --output-json-full --file 0.wav --output-file 0 --file 1.wav --output-file 1',
  );
  expect(args[1]).toBe('/models/a b.bin');
});

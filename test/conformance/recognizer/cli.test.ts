import { describe, test } from 'vitest';
import { createRecognizer } from '../../../src/speech/create-recognizer.ts';
import { findWhisperCli } from '../../../src/speech/whisper-cli.ts';
import { describeRecognizer } from './suite.ts';

// Only the built one: it is of early 2024, and the one that needs the most care.
const cli = await findWhisperCli(undefined, '');

if (cli.ok) {
  describeRecognizer('The command line', (options) =>
    createRecognizer({ ...options, engine: 'cli', searchPath: '' }),
  );
} else {
  describe('The command line as a recognizer', () => {
    test.skip('is not built here: npm run build:whisper-cli', () => {});
  });
}

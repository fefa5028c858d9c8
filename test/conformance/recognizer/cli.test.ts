import { describe } from 'vitest';
import { createRecognizer } from '../../../src/speech/create-recognizer.ts';
import { findWhisperCli } from '../../../src/speech/whisper-cli.ts';
import { describeRecognizer } from './suite.ts';

// Only the built one: it is of early 2024, and the one that needs the most care.
const cli = await findWhisperCli(undefined, '');

describe.skipIf(!cli.ok)('whisper.cpp (needs `npm run build:whisper-cli` once)', () => {
  describeRecognizer('The command line', (options) =>
    createRecognizer({ ...options, engine: 'cli', searchPath: '' }),
  );
});

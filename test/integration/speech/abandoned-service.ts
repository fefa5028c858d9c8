/**
 * A service that recognizes a recording and says so when it has begun; for the test that kills it.
 * Arguments: the model, the recording, and a file that the child holds open for as long as it lives.
 */
import { dirname } from 'node:path';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { createRecognizer } from '../../../src/speech/create-recognizer.ts';

const [model = '', path = '', heldFile = ''] = process.argv.slice(2);

const recognizer = createRecognizer({
  engine: 'addon',
  model,
  modelsDir: '/nowhere',
  clock: systemClock,
  logger: silentLogger,
  launch: (argv) => ['sh', '-c', 'held="$1"; shift; exec "$@" 9>"$held"', 'sh', heldFile, ...argv],
});
await recognizer.recognize(
  { path, durationSec: 60, threads: 1, scratchDirectory: dirname(heldFile) },
  {
    signal: new AbortController().signal,
    onProgress: (fraction) => process.stdout.write(`${fraction}\n`),
  },
);
process.stdout.write('recognized\n');

import { expect, test } from 'vitest';
import { checkSpeech } from '../../../src/cli/speech-checks.ts';
import { settingsSchema } from '../../../src/config/settings.ts';

test('the engine that comes with the program is found and named', async () => {
  const [engine] = await checkSpeech(settingsSchema.parse({ recognizer: 'addon' }));
  expect(engine).toMatchObject({ title: 'Speech engine', verdict: 'fine' });
  expect(engine?.finding).toContain('@fugood/whisper.node');
});

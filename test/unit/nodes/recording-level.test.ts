import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isSilent } from '../../../src/nodes/recording-level.ts';
import { toWav } from '../../../src/speech/wav.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const rateHz = 16_000;

/** Whether a recording is silent that has a tone of this peak (0…1) in its last second of three. */
async function isSilentWithPeak(peak: number): Promise<boolean> {
  await using directory = await createTempDirectory();
  const samples = Int16Array.from({ length: 3 * rateHz }, (_, index) =>
    index < 2 * rateHz
      ? 0
      : Math.round(32_767 * peak * Math.sin((2 * Math.PI * 440 * index) / rateHz)),
  );
  const path = join(directory.path, 'speech.wav');
  await writeFile(path, toWav(samples));
  return await isSilent(path);
}

describe('isSilent', () => {
  it('hears a soft voice in one of its seconds', async () => {
    expect(await isSilentWithPeak(0.01)).toBe(false);
  });

  it('takes nothing, and the noise of a quiet room, for silence', async () => {
    expect(await isSilentWithPeak(0)).toBe(true);
    expect(await isSilentWithPeak(0.001)).toBe(true);
  });

  it('takes a recording without a sample for silence', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'speech.wav');
    await writeFile(path, toWav(new Int16Array()));
    expect(await isSilent(path)).toBe(true);
  });
});

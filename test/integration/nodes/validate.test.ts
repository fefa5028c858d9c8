import { stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { validate } from '../../../src/nodes/validate.ts';
import { attemptOf } from '../../support/node-attempt.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { describeKind } from './rig.ts';

const sha256 = 'ab'.repeat(32);

describeKind('validate', (rig) => {
  async function outcomeOf(path: string): Promise<ReturnType<ReturnType<typeof validate>['run']>> {
    await using output = await createTempDirectory();
    const { size: bytes } = await stat(path);
    const upload = { path, bytes, sha256 };
    const attempt = attemptOf({}, { inputs: [], outputDirectory: output.path, upload });
    return await validate(rig.tools).run(attempt);
  }

  it.each(['film', 'portrait', 'webm', 'syncStream', 'gif', 'silent'] as const)(
    'takes "%s" and learns what it holds',
    async (clip) => {
      const outcome = await outcomeOf(await rig.clip(clip));
      expect(outcome).toMatchObject({
        ok: true,
        value: { files: [{ name: 'source', sha256 }], media: { video: { index: 0 } } },
      });
    },
  );

  it('takes a recording without pictures', async () => {
    const outcome = await outcomeOf(await rig.clip('soundOnly'));
    expect(outcome).toMatchObject({ ok: true, value: { media: { audio: { codec: 'aac' } } } });
  });

  it('refuses what is neither film nor recording, in a sentence without technical terms', async () => {
    const path = join(dirname(await rig.clip('film')), 'letter');
    await writeFile(path, 'Dear service, this is a letter.');
    const outcome = await outcomeOf(path);
    expect(outcome).toMatchObject({ ok: false, error: { code: 'unsupported_format' } });
    expect(outcome.ok ? '' : outcome.error.message).not.toMatch(/ffmpeg|ffprobe|\/|-i\b/);
  });
});

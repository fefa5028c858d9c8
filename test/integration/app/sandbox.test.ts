import { describe, expect, test } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { assert } from '../../../src/base/assert.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { DirectStarter } from '../../../src/processes/direct-starter.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

/** The service where nothing confines programs, and what it warns of. */
async function openUnconfined(dataDir: string, sandbox: string) {
  const loaded = loadSettings({ flags: { dataDir, sandbox, port: 0 }, env: {} });
  assert(loaded.ok, 'the settings are good');
  const warnings: string[] = [];
  const logger = {
    ...silentLogger,
    warn: (_: object, message: string) => void warnings.push(message),
  };
  const openStarter = async () => new DirectStarter();
  const app = await createApp(loaded.value.settings, logger, { openStarter });
  if (app.ok) await app.value.close();
  return { app, warnings: warnings.filter((line) => line.startsWith('sandbox: None')) };
}

describe('a service whose programs cannot be confined', () => {
  test('does not start where that is required, and says how it can be had', async () => {
    await using directory = await createTempDirectory();
    const { app } = await openUnconfined(directory.path, 'required');
    expect(app).toMatchObject({ ok: false, error: { code: 'tool' } });
    expect(!app.ok && app.error.message).toMatch(/REELGRAPH_SANDBOX.*npm run build:sandbox/s);
  });

  test.each(['auto', 'off'])('starts with a warning where the setting is %s', async (sandbox) => {
    await using directory = await createTempDirectory();
    const { app, warnings } = await openUnconfined(directory.path, sandbox);
    expect(app.ok).toBe(true);
    expect(warnings).toHaveLength(1);
  });
});

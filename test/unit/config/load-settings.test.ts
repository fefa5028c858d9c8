import { describe, expect, test } from 'vitest';
import { forEverSec } from '../../../src/config/quantities.ts';
import { loadSettings } from '../../../src/config/load-settings.ts';
import type { SettingSources } from '../../../src/config/load-settings.ts';
import type { Settings } from '../../../src/config/settings.ts';

function load(flags: SettingSources['flags'], env: SettingSources['env'] = {}): Settings {
  const loaded = loadSettings({ flags, env });
  if (!loaded.ok) throw new Error(loaded.error.message);
  return loaded.value.settings;
}

function problem(flags: SettingSources['flags'], env: SettingSources['env'] = {}): string {
  const loaded = loadSettings({ flags, env });
  if (loaded.ok) throw new Error('the settings were accepted');
  expect(loaded.error.code).toBe('invalid_request');
  return loaded.error.message;
}

function warnings(env: SettingSources['env']): readonly string[] {
  const loaded = loadSettings({ flags: {}, env });
  return loaded.ok ? loaded.value.warnings : ['refused'];
}

describe('settings', () => {
  test('have defaults for all that a service needs', () => {
    expect(load({})).toEqual({
      host: '127.0.0.1',
      port: 8080,
      dataDir: './data',
      pipelines: './pipelines',
      modelsUrl: 'https://huggingface.co',
      whisperModel: 'base',
      recognizer: 'auto',
      sandbox: 'auto',
      uploadBytesMax: 50 * 1024 ** 3,
      scratchBytesMax: 64 * 1024 ** 3,
      sourceRetentionSec: 86_400,
      productRetentionSec: forEverSec,
      pixelsMax: 36_000_000,
      durationSecMax: 14_400,
      streamsMax: 64,
      stopGraceSec: 20,
      logLevel: 'info',
    });
  });

  test('are taken from flags over the environment over defaults', () => {
    const env = { REELGRAPH_PORT: '1', REELGRAPH_HOST: 'env.example' };
    const settings = load({ port: '2' }, env);
    expect([settings.port, settings.host, settings.recognizer]).toEqual([2, 'env.example', 'auto']);
  });

  test('take a flag by its own name and by the one of the code', () => {
    expect(load({ 'data-dir': 'a' }).dataDir).toBe('a');
    expect(load({ dataDir: 'b' }).dataDir).toBe('b');
  });

  test('do not count a flag that was not given or a variable that is empty', () => {
    const env = { REELGRAPH_PORT: '', REELGRAPH_CORES: '', FFMPEG_PATH: undefined };
    const settings = load({ host: undefined }, env);
    expect(settings).toEqual(load({}));
  });

  test('know the variables that other programs have for ffmpeg', () => {
    const settings = load({}, { FFMPEG_PATH: 'opt/ffmpeg', FFPROBE_PATH: 'opt/ffprobe' });
    expect(settings).toMatchObject({ ffmpegPath: 'opt/ffmpeg', ffprobePath: 'opt/ffprobe' });
  });

  test('take sizes and durations with units', () => {
    const settings = load(
      { 'upload-bytes-max': '500MB' },
      { REELGRAPH_MEMORY_BYTES: '2GiB', REELGRAPH_DURATION_SEC_MAX: '90m' },
    );
    expect(settings).toMatchObject({
      uploadBytesMax: 500_000_000,
      memoryBytes: 2_147_483_648,
      durationSecMax: 5400,
    });
  });
});

describe('a bad setting', () => {
  test.each([
    [{ port: '80a' }, '--port is "80a", but must be a whole number, from 0 to 65535.'],
    [{ port: '65536' }, '--port is "65536", but must be a whole number, from 0 to 65535.'],
    [{ cores: '1.5' }, '--cores is "1.5", but must be a whole number, at least 1.'],
    [{ cores: 0 }, '--cores is "0", but must be a whole number, at least 1.'],
    [{ host: '' }, '--host is "", but must be a text that is not empty.'],
    [{ recognizer: 'magic' }, '--recognizer is "magic", but must be one of auto, addon, cli.'],
    [
      { memoryBytes: '2GiBs' },
      '--memory-bytes is "2GiBs", but must be a size such as 500MB, 2GiB or 1048576 (bytes), ' +
        'at least 1.',
    ],
    [
      { durationSecMax: '0.5s' },
      '--duration-sec-max is "0.5s", but must be a duration such as 90s, 15m, 4h or 3600 ' +
        '(seconds), at least 1.',
    ],
  ])('in a flag is refused: %j', (flags, message) => {
    expect(problem(flags)).toBe(message);
  });

  test('in a variable is refused under the name of the variable', () => {
    expect(problem({}, { REELGRAPH_LOG_LEVEL: 'loud' })).toBe(
      'REELGRAPH_LOG_LEVEL is "loud", but must be one of debug, info, warn, error, silent.',
    );
  });

  test('in a variable does not matter when a flag stands above it', () => {
    expect(load({ port: '1' }, { REELGRAPH_PORT: 'bad' }).port).toBe(1);
  });

  test('does not hide the others', () => {
    const message = problem({ port: 'x' }, { REELGRAPH_CORES: 'y', REELGRAPH_STREAMS_MAX: 'z' });
    for (const name of ['--port', 'REELGRAPH_CORES', 'REELGRAPH_STREAMS_MAX']) {
      expect(message).toContain(`${name} is`);
    }
  });
});

describe('an unknown name', () => {
  test('of a flag is refused, with the one that was meant', () => {
    expect(problem({ 'data-dri': 'x' })).toBe(
      'There is no flag --data-dri. Did you mean --data-dir?',
    );
    expect(problem({ 'something-else': 'x' })).toBe(
      'There is no flag --something-else. See --help.',
    );
  });

  test.each([
    ['REELGRAPH_PROT', 'Did you mean REELGRAPH_PORT?'],
    ['REELGRAPH_FFMPEG_PATH', 'Did you mean FFMPEG_PATH?'],
    ['REELGRAPH_SOMETHING_ELSE', 'It has no effect.'],
  ])('of a variable is warned of: %s', (variable, hint) => {
    expect(warnings({ [variable]: 'x' })).toEqual([
      `${variable} is set, but there is no such setting. ${hint}`,
    ]);
  });

  test('of somebody else’s variable is none of our business', () => {
    expect(warnings({ PORT: 'x', HOME: 'x', REELGRAPHICS: 'x', REELGRAPH_PORT: '1' })).toEqual([]);
  });
});

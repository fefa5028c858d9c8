import { describe, expect, test } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { describeSettings } from '../../../src/config/setting-specs.ts';
import { settingsHelp } from '../../../src/config/settings-help.ts';

describe('the help', () => {
  test('shows flag, variable and default in columns, the description below', () => {
    const lines = settingsHelp().split('\n');
    expect(lines.slice(0, 5)).toEqual([
      '  Flag                                Environment                      Default',
      '  --host <text>                       REELGRAPH_HOST                   127.0.0.1',
      '      Address to listen on.',
      '  --port <number>                     REELGRAPH_PORT                   8080',
      '      Port to listen on; 0 takes a free one.',
    ]);
    for (const line of [
      '  --upload-bytes-max <size>           REELGRAPH_UPLOAD_BYTES_MAX       50GiB',
      '  --duration-sec-max <duration>       REELGRAPH_DURATION_SEC_MAX       4h',
      '  --product-retention-sec <duration>  REELGRAPH_PRODUCT_RETENTION_SEC  forever',
    ]) {
      expect(lines).toContain(line);
    }
    expect(lines).toContain(
      '      Least severe log lines to write. One of debug, info, warn, error, silent.',
    );
  });

  test('has a line and a description for every setting, none wider than 100 columns', () => {
    const lines = settingsHelp().split('\n');
    expect(lines).toHaveLength(1 + 2 * describeSettings().length);
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
  });

  test('names defaults that are the same when they are given', () => {
    const specs = describeSettings();
    const flags = Object.fromEntries(specs.map((spec) => [spec.flag, spec.default]));
    expect(loadSettings({ flags, env: {} })).toEqual(loadSettings({ flags: {}, env: {} }));
  });
});

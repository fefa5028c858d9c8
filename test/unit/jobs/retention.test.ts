import { describe, expect, test } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { expiryMs, keepForEver, keptMs, retentionOf } from '../../../src/jobs/retention.ts';
import type { StoredJob } from '../../../src/store/store.ts';
import { jobOf } from '../../conformance/store/sample-jobs.ts';

const ended: StoredJob = jobOf('job-a', { phase: 'failed', endedAtMs: 1000 });
const retention = { ...keepForEver, sourceMs: 10, productsMs: 30 };

describe('the retention of the settings', () => {
  test('is a day for uploads and keys, and for ever for products', () => {
    const loaded = loadSettings({ flags: {}, env: {} });
    if (!loaded.ok) throw new Error(loaded.error.message);
    const day = 24 * 60 * 60 * 1000;
    expect(retentionOf(loaded.value.settings)).toEqual({
      sourceMs: day,
      productsMs: Infinity,
      keysMs: day,
    });
  });

  test('keeps no upload longer than the products', () => {
    expect(keptMs(retention, 'source')).toBe(10);
    expect(keptMs({ ...retention, sourceMs: 50 }, 'source')).toBe(30);
    expect(keptMs(retention, 'products')).toBe(30);
  });
});

describe('the files of a job', () => {
  test('expire by the end of it', () => {
    expect(expiryMs(ended, 'source', retention)).toBe(1010);
    expect(expiryMs(ended, 'products', retention)).toBe(1030);
  });

  test('have no time to expire while it runs, for ever, or once they are gone', () => {
    const running = jobOf('job-a', { phase: 'running' });
    expect(expiryMs(running, 'source', retention)).toBeUndefined();
    expect(expiryMs(ended, 'source', keepForEver)).toBeUndefined();
    const gone = { ...ended, sourceRemovedAtMs: 5, productsRemovedAtMs: 5 };
    expect(expiryMs(gone, 'source', retention)).toBeUndefined();
    expect(expiryMs(gone, 'products', retention)).toBeUndefined();
  });
});

import { describe, expect, test } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { parseTenantWeights } from '../../../src/config/tenant-weights.ts';

describe('weights of tenants', () => {
  test('are read in any number, with blanks where people put them', () => {
    expect([...(parseTenantWeights('acme=3') ?? [])]).toEqual([['acme', 3]]);
    expect([...(parseTenantWeights(' acme = 100 ,b.c=1 ') ?? [])]).toEqual([
      ['acme', 100],
      ['b.c', 1],
    ]);
  });

  test.each(['', 'acme', 'acme=', '=3', 'acme=0', 'acme=101', 'acme=1.5', 'acme=-1', 'acme=3,'])(
    'are not read from %j',
    (text) => {
      expect(parseTenantWeights(text)).toBeUndefined();
    },
  );

  test('are not read from a text that names a tenant twice, or one that cannot be', () => {
    expect(parseTenantWeights('acme=1,acme=2')).toBeUndefined();
    expect(parseTenantWeights('Acme=1')).toBeUndefined();
  });

  test('are no more than a thousand', () => {
    const text = (count: number) =>
      Array.from({ length: count }, (_, index) => `t${index}=2`).join(',');
    expect(parseTenantWeights(text(1000))?.size).toBe(1000);
    expect(parseTenantWeights(text(1001))).toBeUndefined();
  });
});

describe('the setting', () => {
  test('takes them as they are written', () => {
    const loaded = loadSettings({ flags: {}, env: { REELGRAPH_TENANT_WEIGHTS: 'acme=3,other=1' } });
    expect(loaded).toMatchObject({
      ok: true,
      value: { settings: { tenantWeights: 'acme=3,other=1' } },
    });
  });

  test('names its variable, the text and what it may be when it does not fit', () => {
    const loaded = loadSettings({ flags: {}, env: { REELGRAPH_TENANT_WEIGHTS: 'acme=300' } });
    expect(!loaded.ok && loaded.error.message).toBe(
      'REELGRAPH_TENANT_WEIGHTS is "acme=300", but must be weights from 1 to 100 such as acme=3,other=1, each tenant once.',
    );
  });
});

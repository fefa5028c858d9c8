import { describe, expect, test } from 'vitest';
import { isTenantName } from '../../../src/base/tenant.ts';

describe('the name of a tenant', () => {
  test.each(['a', '0', 'acme', 'acme.example', 'team_1-b', `a${'b'.repeat(62)}`])(
    'may be %s',
    (name) => {
      expect(isTenantName(name)).toBe(true);
    },
  );

  test.each(['', 'A', '-a', '.a', '_a', 'a b', 'ä', 'a\n', 'a/b', 'a=1', `a${'b'.repeat(63)}`])(
    'may not be %j',
    (name) => {
      expect(isTenantName(name)).toBe(false);
    },
  );
});

import { expect, test } from 'vitest';
import { applyOverride } from '../../../src/pipeline/resource-override.ts';
import type { ResourceOverride } from '../../../src/pipeline/plan.ts';

const estimate = {
  coreSeconds: 7,
  demand: { coresMin: 2, coresMax: 4, memoryBytes: 100, ioSlots: 1, gpus: 1 },
};

test.each<[ResourceOverride, object]>([
  [{}, {}],
  [{ coresMin: 1 }, { coresMin: 1 }],
  [{ coresMin: 8 }, { coresMin: 8, coresMax: 8 }],
  [{ coresMax: 3 }, { coresMax: 3 }],
  [{ coresMax: 1 }, { coresMin: 1, coresMax: 1 }],
  [
    { coresMin: 3, coresMax: 5 },
    { coresMin: 3, coresMax: 5 },
  ],
  [{ memoryBytes: 9 }, { memoryBytes: 9 }],
])('%j wins over the estimate', (override, changed) => {
  expect(applyOverride(estimate, override)).toEqual({
    coreSeconds: 7,
    demand: { ...estimate.demand, ...changed },
  });
});

test('nothing changes without an override', () => {
  expect(applyOverride(estimate, undefined)).toBe(estimate);
});

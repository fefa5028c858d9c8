import { describe, expect, test } from 'vitest';
import { joinStretches, overlapOf, toStretches } from '../../../src/speech/stretch.ts';

describe('stretches', () => {
  test('are made of the voiced frames', () => {
    expect(toStretches(Uint8Array.of(0, 1, 1, 0, 0, 1), 10)).toEqual([
      { startMs: 10, endMs: 30 },
      { startMs: 50, endMs: 60 },
    ]);
    expect(toStretches(Uint8Array.of(0, 0), 10)).toEqual([]);
  });

  test('are joined over pauses that are too short, whatever their order', () => {
    const stretches = [
      { startMs: 900, endMs: 1000 },
      { startMs: 0, endMs: 100 },
      { startMs: 399, endMs: 500 },
      { startMs: 420, endMs: 450 },
    ];
    expect(joinStretches(stretches, 300)).toEqual([
      { startMs: 0, endMs: 500 },
      { startMs: 900, endMs: 1000 },
    ]);
    expect(joinStretches(stretches, 299)).toHaveLength(3);
  });

  test('have in common what both cover', () => {
    expect(overlapOf({ startMs: 0, endMs: 10 }, { startMs: 7, endMs: 30 })).toBe(3);
    expect(overlapOf({ startMs: 0, endMs: 10 }, { startMs: 10, endMs: 30 })).toBe(0);
  });
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Condition, ConditionTerm } from '../../../src/pipeline/condition.ts';
import {
  conditionPattern,
  conditionToText,
  flagFacts,
  numberFacts,
  parseCondition,
} from '../../../src/pipeline/condition-text.ts';
import { whyUnmet } from '../../../src/pipeline/evaluate-condition.ts';
import { probeOf } from '../../fakes/probes.ts';

const flags: fc.Arbitrary<ConditionTerm> = fc.record({
  fact: fc.constantFrom('video', 'audio'),
  is: fc.boolean(),
});

const comparisons: fc.Arbitrary<ConditionTerm> = fc.record({
  fact: fc.constantFrom(
    'width',
    'height',
    'shortSide',
    'durationSec',
    'framesPerSecond',
    'channels',
  ),
  operator: fc.constantFrom('<', '<=', '>', '>=', '==', '!='),
  // Zero has one spelling.
  value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
});

const conditions: fc.Arbitrary<Condition> = fc.array(fc.oneof(flags, comparisons), {
  minLength: 1,
  maxLength: 8,
});

/** Texts that are nearly conditions. */
const nearTexts = fc
  .array(
    fc.constantFrom(
      ...[...Object.keys(flagFacts), ...Object.keys(numberFacts)].map((fact) => `media.${fact}`),
      ...['media.', '!', '&&', '&', '||', ' ', '<', '<=', '==', '=', '7', '-2.5', '1e3', '.5', 'x'],
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

test('a condition written as text is read back as it was', () => {
  fc.assert(
    fc.property(conditions, (condition) => {
      expect(parseCondition(conditionToText(condition))).toEqual({ ok: true, value: condition });
    }),
  );
});

test('no text makes the parser throw, and every fault lies in the text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearTexts), (text) => {
      const parsed = parseCondition(text);
      const offset = parsed.ok ? 0 : parsed.error.offset;
      expect(offset).toBeGreaterThanOrEqual(0);
      expect(offset).toBeLessThanOrEqual(text.length);
    }),
  );
});

test('the pattern for editors agrees with the parser', () => {
  const pattern = new RegExp(conditionPattern());
  fc.assert(
    fc.property(fc.oneof(nearTexts, conditions.map(conditionToText)), (text) => {
      expect(pattern.test(text)).toBe(parseCondition(text).ok);
    }),
    { numRuns: 1000 },
  );
});

test('a comparison holds or its opposite does, when the source has what is compared', () => {
  const opposites = { '<': '>=', '<=': '>', '>': '<=', '>=': '<', '==': '!=', '!=': '==' } as const;
  fc.assert(
    fc.property(comparisons, (term) => {
      if ('is' in term) return;
      const opposite = { ...term, operator: opposites[term.operator] };
      const holds = [term, opposite].filter((one) => whyUnmet([one], probeOf()) === undefined);
      expect(holds).toHaveLength(1);
    }),
  );
});

import { describe, expect, test } from 'vitest';
import { conditionToText, parseCondition } from '../../../src/pipeline/condition-text.ts';

describe('a condition', () => {
  test('may be a flag', () => {
    expect(parseCondition('media.video')).toEqual({
      ok: true,
      value: [{ fact: 'video', is: true }],
    });
  });

  test('may be a flag turned around', () => {
    expect(parseCondition(' ! media.audio ')).toEqual({
      ok: true,
      value: [{ fact: 'audio', is: false }],
    });
  });

  test('joins flags and comparisons by &&', () => {
    expect(
      parseCondition('media.video&&media.shortSide>720 && media.durationSec <= 1.5e3'),
    ).toEqual({
      ok: true,
      value: [
        { fact: 'video', is: true },
        { fact: 'shortSide', operator: '>', value: 720 },
        { fact: 'durationSec', operator: '<=', value: 1500 },
      ],
    });
  });

  test.each(['<', '<=', '>', '>=', '==', '!='])('compares with %s', (operator) => {
    expect(parseCondition(`media.width ${operator} -2`)).toEqual({
      ok: true,
      value: [{ fact: 'width', operator, value: -2 }],
    });
  });

  test('is written in one way', () => {
    const parsed = parseCondition('!media.audio&&media.channels>=2');
    expect(parsed.ok && conditionToText(parsed.value)).toBe('!media.audio && media.channels >= 2');
  });
});

describe('a condition that cannot be read', () => {
  const write = 'Write for example `media.shortSide > 720`.';
  const part = 'Write for example `media.audio` or `media.shortSide > 720`.';
  test.each([
    ['', 0, 'Part of the condition is missing here', part],
    ['media.video &&', 14, 'Part of the condition is missing here', part],
    ['&& media.video', 0, 'Part of the condition is missing here', part],
    [
      'media.vido',
      0,
      '`media.vido` is nothing that a condition knows',
      'Did you mean `media.video`?',
    ],
    [
      'media.video && media.shortside > 1',
      15,
      '`media.shortside` is nothing that a condition knows',
      'Did you mean `media.shortSide`?',
    ],
    ['audio', 0, '`audio` is nothing that a condition knows', 'Did you mean `media.audio`?'],
    ['media.width', 11, '`media.width` has to be compared with a number', write],
    ['media.width = 3', 12, '`media.width` has to be compared with a number', write],
    ['media.width > tall', 14, 'A number has to follow `>`', write],
    ['media.width > 12px', 14, 'A number has to follow `>`', write],
    ['media.width > 1e999', 14, 'A number has to follow `>`', write],
    ['! media.width > 3', 0, '`media.width` is a number, not a yes or no', write],
    [
      'media.audio == 1',
      12,
      'This is a yes or no, not a number',
      'Write `media.audio` or `!media.audio`.',
    ],
    [
      'media.audio || media.video',
      12,
      'A condition has no "or"',
      'Join parts with `&&`, or make two nodes.',
    ],
    ['media.audio & media.video', 12, 'Parts are joined by `&&`', 'Write `&&`.'],
    ['media.audio and media.video', 12, 'Parts are joined by `&&`', 'Write `&&`.'],
    ['media.audio )', 12, '`)` is not understood here', 'Join parts with `&&`.'],
    [
      `media.audio${' '.repeat(500)}`,
      0,
      'The condition has more than 500 characters',
      'Shorten it.',
    ],
  ])('"%s" says where and why', (text, ...fault) => {
    const [offset, message, hint] = fault;
    expect(parseCondition(text)).toEqual({ ok: false, error: { offset, message, hint } });
  });

  test('lists what there is when nothing is near', () => {
    const parsed = parseCondition('media.bitrate > 3');
    expect(!parsed.ok && parsed.error.hint).toBe(
      'Known facts: `media.video`, `media.audio`, `media.width`, `media.height`, `media.shortSide`, `media.durationSec`, `media.framesPerSecond`, `media.channels`.',
    );
  });

  test('may use names that every object has', () => {
    const parsed = parseCondition('media.constructor');
    expect(!parsed.ok && parsed.error.message).toBe(
      '`media.constructor` is nothing that a condition knows',
    );
  });
});

import { describe, expect, test } from 'vitest';
import {
  columnsOf,
  lineColumns,
  padEndColumns,
  printable,
  renderLine,
  span,
} from '../../../src/cli/text.ts';

const plain = { color: false, unicode: true };
const colored = { color: true, unicode: true };

describe('a line', () => {
  test('stays whole when it fits exactly', () => {
    expect(renderLine([span('abc'), span('def')], 6, plain)).toBe('abcdef');
  });

  test('is cut with an ellipsis in its last column', () => {
    expect(renderLine([span('abc'), span('def')], 5, plain)).toBe('abcd…');
    expect(renderLine([span('abc'), span('def')], 5, { color: false, unicode: false })).toBe(
      'abcd~',
    );
  });

  test('is cut between escape sequences, never inside of one', () => {
    expect(renderLine([span('abc', 'good'), span('def', 'bad')], 3, colored)).toBe(
      '\u001B[32mab\u001B[0m\u001B[2m…\u001B[0m',
    );
  });

  test('is empty where there is no room', () => {
    expect(renderLine([span('abc')], 0, plain)).toBe('');
  });

  test('never becomes wider than asked, whatever characters it has', () => {
    for (let width = 0; width < 12; width += 1) {
      const text = renderLine([span('日本語'), span('e\u0301🎬x')], width, plain);
      expect(columnsOf(text)).toBeLessThanOrEqual(width);
    }
  });
});

describe('the columns of a text', () => {
  test.each([
    ['', 0],
    ['film.mp4', 8],
    ['██░░ ✔', 6],
    ['日本語', 6],
    ['e\u0301', 1],
    ['🎬', 2],
    ['ｶﾅ', 2],
  ])('%s takes %i', (text, columns) => {
    expect(columnsOf(text)).toBe(columns);
  });

  test('add up over a line', () => {
    expect(lineColumns([span('日'), span('a')])).toBe(3);
  });

  test('are what padding counts', () => {
    expect(padEndColumns('日', 4)).toBe('日  ');
    expect(padEndColumns('abcdef', 4)).toBe('abcdef');
  });
});

describe('a foreign text', () => {
  test('loses escape sequences, control and direction characters', () => {
    expect(printable('a\u001B[31mb\u0007c\nd\u202Ee.mp4')).toBe('abcde.mp4');
  });

  test('keeps letters of every script', () => {
    expect(printable('Ünïcödé 日本語 🎬.mp4')).toBe('Ünïcödé 日本語 🎬.mp4');
  });
});

import { WriteStream } from 'node:tty';
import { describe, expect, test } from 'vitest';
import { screenOf } from '../../../src/cli/screen.ts';

/** A stream that says what a test wants; nothing is written to it. */
function streamOf(facts: { isTTY: boolean; columns?: number; rows?: number }): WriteStream {
  const stream: WriteStream = Object.create(WriteStream.prototype);
  return Object.assign(stream, facts);
}

const terminal = streamOf({ isTTY: true, columns: 120, rows: 30 });
const file = streamOf({ isTTY: false });

describe('a screen', () => {
  test('has the size of its terminal, and none in a file', () => {
    expect(screenOf(terminal, {}).size()).toEqual({ columns: 120, rows: 30 });
    expect(screenOf(file, {}).size().columns).toBe(Infinity);
    expect(screenOf(streamOf({ isTTY: true, columns: 0, rows: 0 }), {}).size()).toEqual({
      columns: 80,
      rows: 24,
    });
  });

  test.each([
    [{}, true],
    [{ NO_COLOR: '1' }, false],
    [{ NO_COLOR: '' }, true],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    [{ FORCE_COLOR: '0' }, false],
    [{ TERM: 'dumb' }, false],
  ])('on a terminal with %j has color: %s', (env, color) => {
    expect(screenOf(terminal, env).style.color).toBe(color);
  });

  test('has color in a file only when forced', () => {
    expect(screenOf(file, {}).style.color).toBe(false);
    expect(screenOf(file, { FORCE_COLOR: '1' }).style.color).toBe(true);
  });

  test.each([
    [{}, true],
    [{ LANG: 'en_US.UTF-8' }, true],
    [{ LANG: 'C' }, false],
    [{ LC_ALL: 'C.utf8', LANG: 'C' }, true],
    [{ LC_ALL: 'POSIX', LANG: 'en_US.UTF-8' }, false],
    [{ LANG: 'en_US.UTF-8', TERM: 'linux' }, false],
  ])('with %j may use symbols: %s', (env, unicode) => {
    expect(screenOf(terminal, env).style.unicode).toBe(unicode);
  });

  test('is no terminal when it says it is dumb', () => {
    expect(screenOf(terminal, { TERM: 'dumb' }).isTerminal).toBe(false);
  });
});

import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { commandText, describeEnd } from '../../../src/processes/command-text.ts';

describe('a command as text', () => {
  test('is what a shell takes for the same tokens', () => {
    const tokens = ['a b', "it's", '$HOME', '`x`', '', '-vf', 'scale=1:2', '\n', '*', 'é'];
    const printed = execFileSync('sh', ['-c', `printf '%s\\0' ${commandText(tokens)}`]);
    expect(printed.toString().split('\0').slice(0, -1)).toEqual(tokens);
  });

  test('leaves plain tokens as they are', () => {
    expect(commandText(['ffmpeg', '-i', 'file:/a/b.mp4'])).toBe('ffmpeg -i file:/a/b.mp4');
  });
});

describe('the end of a child', () => {
  test.each([
    [{ code: 1 }, 'exit code 1'],
    [{ signal: 'SIGSEGV' }, 'signal SIGSEGV'],
    [{ code: 255, cause: 'stalled' }, 'exit code 255, ended by the service: stalled'],
    [{ startError: new Error('spawn x ENOENT') }, 'could not start: spawn x ENOENT'],
    [{ cause: 'cancelled' }, 'never started, ended by the service: cancelled'],
  ] as const)('%j reads %j', (exit, text) => {
    expect(describeEnd(exit)).toBe(text);
  });
});

import { describe, expect, test } from 'vitest';
import { failure, failureFromThrown } from '../../../src/base/failure.ts';

describe('a failure', () => {
  test('is a code and a sentence for people', () => {
    expect(failure('corrupt', 'The file is damaged.')).toStrictEqual({
      code: 'corrupt',
      message: 'The file is damaged.',
    });
  });

  test('may hold a detail for the operator', () => {
    expect(failure('tool', 'It crashed.', 'exit 139')).toEqual({
      code: 'tool',
      message: 'It crashed.',
      operatorDetail: 'exit 139',
    });
  });

  test('survives JSON unchanged, as it is stored with the job', () => {
    for (const cause of [failure('tool', 'It crashed.', 'exit 139'), failure('lost', 'Gone.')]) {
      expect(JSON.parse(JSON.stringify(cause))).toStrictEqual(cause);
    }
  });
});

describe('a failure made of something thrown', () => {
  test('keeps the stack of an error for the operator only', () => {
    const thrown = new TypeError('x is not a function');
    const made = failureFromThrown(thrown, 'internal', 'Something went wrong.');
    expect(made).toEqual({
      code: 'internal',
      message: 'Something went wrong.',
      operatorDetail: thrown.stack,
    });
    expect(made.operatorDetail).toContain('TypeError: x is not a function');
  });

  test('falls back to the message of an error without a stack', () => {
    const thrown = new Error('no space left');
    delete thrown.stack;
    expect(failureFromThrown(thrown, 'storage', 'Full.').operatorDetail).toBe('no space left');
  });

  test.each([
    ['a string', 'a string'],
    [42, '42'],
    [undefined, 'undefined'],
  ])('keeps what is no error as text: %j', (thrown, detail) => {
    expect(failureFromThrown(thrown, 'internal', 'Wrong.').operatorDetail).toBe(detail);
  });
});

import { describe, expect, test } from 'vitest';
import { LineSplitter, TextTail } from '../../../src/processes/text-tail.ts';

describe('a text tail', () => {
  test('keeps the end of a flood', () => {
    const tail = new TextTail(10);
    for (let index = 0; index < 1000; index += 1) tail.append(`line ${index}\n`);
    expect(tail.text).toBe('\nline 999\n');
  });

  test('keeps the end of one piece that is larger than itself', () => {
    const tail = new TextTail(4);
    tail.append('abcdefgh');
    expect(tail.text).toBe('efgh');
  });
});

describe('a line splitter', () => {
  function split(charactersMax: number, ...pieces: readonly string[]): readonly string[] {
    const lines: string[] = [];
    const splitter = new LineSplitter(charactersMax, (line) => lines.push(line));
    for (const piece of pieces) splitter.append(piece);
    return lines;
  }

  test('puts lines together that arrive in pieces', () => {
    expect(split(100, 'fra', 'me=1\nfps', '=2\n\nrest')).toEqual(['frame=1', 'fps=2', '']);
  });

  test('holds no more of an endless line than its limit', () => {
    expect(split(3, 'aaaaaa', 'bbbbbb', 'c\nd\n')).toEqual(['bbb', 'd']);
  });
});

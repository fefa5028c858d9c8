import { describe, expect, test } from 'vitest';
import {
  offsetAt,
  readSource,
  sourceBytesMax,
  sourceDepthMax,
  valueAt,
} from '../../../src/pipeline/source.ts';

/** `line:column message. hint` of everything that is wrong. */
function faultsOf(text: string): readonly string[] {
  const source = readSource(text);
  return source.faults.map(({ offset, message, hint }) => {
    const { line, column } = source.position(offset);
    return `${line}:${column} ${message}. ${typeof hint === 'string' ? hint : hint()}`;
  });
}

describe('a text', () => {
  test('becomes plain values', () => {
    const { root, faults } = readSource('a: [1, x, true, null, 2.5]\nb: {c: "d"}\n');
    expect(faults).toEqual([]);
    expect(root?.json).toEqual({ a: [1, 'x', true, null, 2.5], b: { c: 'd' } });
  });

  test('may be JSON', () => {
    expect(readSource('{"a": {"b": [1]}}').root?.json).toEqual({ a: { b: [1] } });
  });

  test('keeps words that older YAML takes for booleans', () => {
    expect(readSource('a: no\nb: on').root?.json).toEqual({ a: 'no', b: 'on' });
  });

  test('knows where its keys and items are', () => {
    const source = readSource('a: 1\nb:\n  - x\n  - c: y\n');
    const at = (...path: (string | number)[]) =>
      source.position(source.root === undefined ? -1 : offsetAt(source.root, path));
    expect(at('b')).toEqual({ line: 2, column: 1 });
    expect(at('b', 0)).toEqual({ line: 3, column: 5 });
    expect(at('b', 1, 'c')).toEqual({ line: 4, column: 5 });
    expect(at('b', 1, 'missing')).toEqual({ line: 4, column: 5 });
    expect(at('a', 'missing')).toEqual({ line: 1, column: 1 });
  });

  test('gives the value at a path', () => {
    const { root } = readSource('a: [{b: 1}]');
    expect(root && valueAt(root, ['a', 0, 'b'])?.json).toBe(1);
    expect(root && valueAt(root, ['a', 1])).toBeUndefined();
    expect(root && valueAt(root, ['a', 0, 'b', 'c'])).toBeUndefined();
  });

  test('says where a text begins when it stands in the file as it is', () => {
    const { root } = readSource(`plain: a b\nquoted: "a b"\nescaped: "a\\tb"\n`);
    const start = (key: string) => {
      const value = root && valueAt(root, [key]);
      return value?.type === 'scalar' ? value.textOffset : undefined;
    };
    expect(start('plain')).toBe(7);
    expect(start('quoted')).toBe(20);
    expect(start('escaped')).toBeUndefined();
  });

  test('without anything in it has no value', () => {
    expect(readSource('')).toMatchObject({ root: undefined, faults: [] });
    expect(readSource('# nothing\n')).toMatchObject({ root: undefined, faults: [] });
  });
});

describe('an alias', () => {
  test('stands for the last anchor of its name', () => {
    const { root } = readSource('a: &x 1\nb: *x\nc: &x 2\nd: *x\n');
    expect(root?.json).toEqual({ a: 1, b: 1, c: 2, d: 2 });
  });

  test('inside its own anchor is refused', () => {
    expect(faultsOf('a: &x [1, *x]')).toEqual([
      '1:11 `*x` stands for nothing: no value with `&x` ends before it. Write the value out.',
    ]);
  });

  test('without an anchor is refused', () => {
    expect(faultsOf('a: *x')).toEqual([
      '1:4 `*x` stands for nothing: no value with `&x` ends before it. Write the value out.',
    ]);
  });

  test('cannot make a small file huge', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level <= 300; level += 1) {
      const aliases = Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ');
      lines.push(`a${level}: &a${level} [${aliases}]`);
    }
    const source = readSource(lines.join('\n'));
    expect(source.root).toBeUndefined();
    expect(source.faults.map(({ message }) => message)).toEqual([
      'Written out, the aliases make more than 50000 values',
    ]);
  });
});

describe('a text that is refused', () => {
  test.each([
    [
      'a: [1, 2\nb: 3',
      [
        '2:1 This is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]. Check indentation, quotes and brackets here and just above.',
      ],
    ],
    [
      'a: 1\na: 2\na: 3',
      [
        '2:1 The key `a` is given twice. Keep one of the two.',
        '3:1 The key `a` is given twice. Keep one of the two.',
      ],
    ],
    ['? [a]\n: b', ['1:3 This cannot be a key. Keys are plain names.']],
    ['__proto__: {a: 1}', ['1:1 This cannot be a key. Keys are plain names.']],
    ['a: .inf', ['1:4 `.inf` is not a value of JSON. Use a finite number.']],
    ['%YAML 1.1\n---\na: yes', ['1:1 The file asks for YAML 1.1. Remove the `%YAML` line.']],
  ])('says so: %j', (text, faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  test('may have faults of syntax on several lines, of which each names its first', () => {
    const places = faultsOf('a: }}\nb: 1\n  c: 2\n').map((fault) => fault.slice(0, 4));
    expect(places).toEqual(['1:4 ', '2:1 ', '3:4 ']);
  });

  test('may use a tag that JSON has no value for', () => {
    expect(faultsOf('a: !!binary aGk=')[0]).toMatch(/^1:4 This is not valid YAML: /);
    expect(faultsOf('a: !env HOME')[0]).toMatch(/^1:4 This is not valid YAML: /);
  });

  test('may be two documents', () => {
    expect(faultsOf('a: 1\n---\nb: 2')[0]).toMatch(/^2:1 This is not valid YAML: /);
  });

  test('may be nested too deeply', () => {
    expect(faultsOf('['.repeat(40) + ']'.repeat(40))).toEqual([
      `1:${sourceDepthMax + 2} Lists and maps are nested too deeply here. A definition needs five.`,
    ]);
    expect(faultsOf('['.repeat(100_000)).length).toBeGreaterThan(0);
  });

  test('may be too large', () => {
    expect(faultsOf(`# ${'x'.repeat(sourceBytesMax)}`)).toEqual([
      '1:1 The file is larger than 256 KiB. Split it into several pipelines.',
    ]);
    expect(faultsOf(`# ${'€'.repeat(sourceBytesMax / 3)}`)).toHaveLength(1);
    expect(faultsOf(`# ${'€'.repeat(sourceBytesMax / 3 - 1)}`)).toHaveLength(0);
  });
});

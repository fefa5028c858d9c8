import { describe, expect, test } from 'vitest';
import { findLines, readFiles, withoutComments } from './source-files.ts';

const sources = readFiles('src', /\.ts$/);
const tests = readFiles('test', /\.ts$/);
const typescript = [...sources, ...tests];
const prose = ['', '.ci', 'pipelines', 'fixtures'].flatMap((folder) =>
  readFiles(folder, /(\.(md|ya?ml|sh)|^(run|Dockerfile|LICENSE|\.dockerignore))$/),
);

/** Lines of one file at most; longer ones hold more than one thing. */
const linesMax = 600;

describe('every file', () => {
  test(`has at most ${linesMax} lines`, () => {
    const long = typescript.filter((file) => file.text.split('\n').length > linesMax + 1);
    expect(long.map((file) => file.path)).toEqual([]);
  });

  test('has a kebab-case name that says what is in it', () => {
    const vague = /\/(utils?|helpers?|types|index|common|misc|shared|constants)\.ts$/;
    const kebab = /(^|\/)[a-z0-9]+(-[a-z0-9]+)*(\.(test|bench|d))?\.ts$/;
    const bad = typescript.filter((file) => !kebab.test(file.path) || vague.test(file.path));
    expect(bad.map((file) => file.path)).toEqual([]);
  });

  test('exports by name, one thing at its own place', () => {
    const found = typescript.flatMap((file) =>
      findLines(
        { path: file.path, text: withoutComments(file.text) },
        /^export (default\b|\*|\{[^}]*\} from)/,
      ),
    );
    expect(found).toEqual([]);
  });

  test('names an issue where something is left to do', () => {
    // With a class of one letter, so that this file does not find itself.
    const marks = /\b([T]ODO|[F]IXME|[X]XX|[H]ACK)\b(?!.*#\d+)/;
    expect(typescript.flatMap((file) => findLines(file, marks))).toEqual([]);
    expect(prose.flatMap((file) => findLines(file, marks))).toEqual([]);
  });

  test('knows no machine’s own paths and no private registry', () => {
    const machine = /(^|[\s'"`(=])\/(home|Users|root|work|mnt)\/[\w.]/;
    const registry =
      /\b(?!registry\.npmjs\.org)[\w-]+(\.[\w-]+)*\.(internal|local|corp|lan)\b(?!host)/;
    const files = [...typescript, ...prose, ...readFiles('', /^package(-lock)?\.json$/)];
    expect(files.flatMap((file) => findLines(file, machine))).toEqual([]);
    expect(files.flatMap((file) => findLines(file, registry))).toEqual([]);
  });
});

describe('every source', () => {
  test('documents what it exports', () => {
    const exported =
      /^export (?:declare )?(?:async )?(?:abstract )?(function\*?|class|interface|type|const|let) /;
    const bare = sources.flatMap((file) => {
      const lines = file.text.split('\n');
      return lines.flatMap((line, index) => {
        if (!exported.test(line)) return [];
        const before = lines[index - 1]?.trimEnd() ?? '';
        return before.endsWith('*/') ? [] : [`${file.path}:${index + 1}: ${line}`];
      });
    });
    expect(bare).toEqual([]);
  });

  test('uses erasable syntax only', () => {
    const found = sources.flatMap((file) =>
      findLines(
        { path: file.path, text: withoutComments(file.text) },
        /^\s*(export )?(const )?(enum|namespace|declare module) /,
      ),
    );
    expect(found).toEqual([]);
  });

  test('has names that say what things do', () => {
    const vague =
      /\b(?:class|interface|type) (\w*(Manager|Helper|Util|Utils|Impl)|I[A-Z][a-z]\w*)\b/;
    expect(sources.flatMap((file) => findLines(file, vague))).toEqual([]);
  });
});

describe('every test', () => {
  test('waits for events, never for time to pass', () => {
    const sleeping = /\bsetTimeout\((resolve|done|r)\b|node:timers\/promises|\bsleep\(/;
    const waits = tests
      .filter((file) => file.path.endsWith('.test.ts') && !file.path.startsWith('test/tidy/'))
      .flatMap((file) => findLines(file, sleeping));
    expect(waits).toEqual([]);
  });

  test('runs: none is focused, none is left out without a reason in words', () => {
    const focused = /\b(test|it|describe)\.only\(/;
    const found = tests
      .filter((file) => !file.path.startsWith('test/tidy/'))
      .flatMap((file) => findLines(file, focused));
    expect(found).toEqual([]);
  });
});

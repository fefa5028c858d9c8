import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allCases, goodCases, hostileCases } from '../../fixtures/corpus/cases.ts';
import type { CorpusCase } from '../../fixtures/corpus/corpus-case.ts';
import { generateCorpus } from '../../fixtures/corpus/generate.ts';
import { readFile } from 'node:fs/promises';
import { createTempDirectory } from '../support/temp-directory.ts';
import type { TempDirectory } from '../support/temp-directory.ts';
import {
  anyToolchain,
  describeWithToolchains,
  toolchainsUnderTest,
} from '../support/toolchains.ts';
import { readExpectations } from './expectation.ts';
import { reportLines, rowLine } from './report.ts';
import { runCorpus } from './run-corpus.ts';
import type { CorpusReport } from './run-corpus.ts';

/** Milliseconds for the whole corpus on a small, busy machine; two idle cores take a few minutes. */
const corpusTimeoutMs = 1_800_000;

/**
 * Every how many cases another toolchain than the bundled one gets one. The system's ffmpeg is linked with
 * so many libraries that its starts alone would take as long as the corpus: `run.ts` gives it all.
 */
const sampleStep = 4;

const expectations = readExpectations();
const toolchains = await toolchainsUnderTest();
let directory: TempDirectory;

beforeAll(async () => {
  directory = await createTempDirectory();
});

afterAll(() => directory[Symbol.asyncDispose]());

describe('the corpus', () => {
  test('has at least sixty good and sixty hostile cases, each expected to come to something', () => {
    expect(goodCases.length).toBeGreaterThanOrEqual(60);
    expect(hostileCases.length).toBeGreaterThanOrEqual(60);
    const names = allCases.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(expectations).toSorted()).toEqual(names.toSorted());
  });

  test('is the same each time it is made, and is made once', async () => {
    const { ffmpeg } = await anyToolchain();
    const cases = allCases.filter(({ name }) => ['hdr-hlg', 'cover-m4a', 'zip'].includes(name));
    const bytes: string[] = [];
    for (const folder of ['one', 'two']) {
      const order = { directory: join(directory.path, folder), ffmpeg: ffmpeg.path, cases };
      const made = await generateCorpus(order);
      const read = await Promise.all(made.map(({ path }) => readFile(path)));
      bytes.push(Buffer.concat(read).toString('base64'));
    }
    expect(bytes[0]).toBe(bytes[1]);
  });
});

const programs = toolchains.flatMap(({ toolchain }) => (toolchain ? [toolchain.ffmpeg.path] : []));

/** The last toolchain under test, which starts fastest, gets all cases; another one a sample. */
function casesFor(program: string): readonly CorpusCase[] {
  return program === programs.at(-1)
    ? allCases
    : allCases.filter((_, index) => index % sampleStep === 0);
}

describeWithToolchains(toolchains, ({ ffmpeg, ffprobe }) => {
  let report: CorpusReport;

  beforeAll(async () => {
    const maker = await anyToolchain();
    report = await runCorpus({
      cases: casesFor(ffmpeg.path),
      expectations,
      directory: join(directory.path, 'corpus'),
      maker: maker.ffmpeg.path,
      judge: programs.at(-1) ?? ffmpeg.path,
      flags: ['--ffmpeg-path', ffmpeg.path, '--ffprobe-path', ffprobe.path],
    });
  }, corpusTimeoutMs);

  test('every upload comes to what it has to, and to nothing else', () => {
    const bad = report.rows.filter(({ faults }) => faults.length > 0);
    expect([
      ...bad.map((row) => rowLine(row)),
      ...(bad.length > 0 ? reportLines(report) : []),
    ]).toEqual([]);
  });

  test('nobody is called, nothing is left behind, and the service is as small as before', () => {
    expect(report.faults).toEqual([]);
  });
});

import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { allCases } from '../../fixtures/corpus/cases.ts';
import { findToolchain } from '../../src/ffmpeg/toolchain.ts';
import { readExpectations } from './expectation.ts';
import { runCorpus } from './run-corpus.ts';
import { reportLines, rowLine } from './report.ts';

/**
 * Runs the corpus, or the cases named, through a service and writes what came of each:
 *
 *     node test/corpus/run.ts [--dir DIR] [--bundled] [NAME…]
 *
 * A name may be the beginning of several. `--bundled` runs the service with the ffmpeg of the packages.
 */
const { values, positionals } = parseArgs({
  options: {
    dir: { type: 'string', default: join(tmpdir(), 'reelgraph-corpus') },
    bundled: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const maker = await findToolchain({});
const bundled = await findToolchain({ searchPath: '' });
if (!maker.ok || !bundled.ok) throw new Error('It takes an ffmpeg on PATH, and the packages.');
const { ffmpeg, ffprobe } = bundled.value;
const report = await runCorpus({
  cases: allCases.filter(
    ({ name }) => positionals.length === 0 || positionals.some((start) => name.startsWith(start)),
  ),
  expectations: readExpectations(),
  directory: values.dir,
  maker: maker.value.ffmpeg.path,
  judge: ffmpeg.path,
  flags: values.bundled ? ['--ffmpeg-path', ffmpeg.path, '--ffprobe-path', ffprobe.path] : [],
  onCase: (row) => process.stdout.write(`${rowLine(row)}\n`),
});
process.stdout.write(`\n${reportLines(report).join('\n')}\n`);
process.exitCode =
  report.faults.length + report.rows.filter(({ faults }) => faults.length > 0).length === 0 ? 0 : 1;

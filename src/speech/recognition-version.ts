import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, delimiter, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { findPublishedModel } from './model-catalog.ts';
import { isModelPath, sileroFileName } from './models.ts';
import { whisperAddonVersion } from './whisper-addon.ts';
import { builtCliPath, programNames } from './whisper-cli.ts';

/** What decides about which engine and model recognize. */
export interface RecognitionSetup {
  readonly engine: 'auto' | 'addon' | 'cli';
  /** The setting, if there is one. */
  readonly whisperCli?: string;
  /** The configured model: a published name or a path. */
  readonly model: string;
  readonly modelsDir: string;
  /** Where programs are looked for, as in `PATH`. */
  readonly searchPath: string;
}

/**
 * What transcripts depend on besides the recording and the language: the engines' versions and the files
 * of the models. Where it is the same, an earlier transcript is as good as a new one. The returned
 * function takes a request's model; it gives undefined while that is not there. It looks at the models'
 * files each time, as they may be fetched or replaced while the service runs, and at the engines once.
 *
 * A file is known by its name, size and time of change: reading a model of gigabytes for a digest would
 * take longer than most recordings.
 */
export function createRecognitionVersion(
  setup: RecognitionSetup,
): (model: string | undefined) => string | undefined {
  const engines = enginesOf(setup);
  return (requested) => {
    const model = identityOf(modelPathOf(requested ?? setup.model, setup.modelsDir));
    const silero = identityOf(join(setup.modelsDir, sileroFileName)) ?? 'none';
    return engines === undefined || model === undefined
      ? undefined
      : `${engines}, model ${model}, silero ${silero}`;
  };
}

/** The engines that may come to work; undefined where a package can't say its version. */
function enginesOf(setup: RecognitionSetup): string | undefined {
  try {
    const addon = setup.engine === 'cli' ? 'none' : whisperAddonVersion();
    const cli = setup.engine === 'addon' ? 'none' : (identityOf(cliPathOf(setup)) ?? 'none');
    return `${setup.engine}: addon ${addon}, cli ${cli}, voices ${detectorVersion()}`;
  } catch {
    return undefined;
  }
}

/** Where the command line would be taken from; see `findWhisperCli`. */
function cliPathOf({ whisperCli, searchPath }: RecognitionSetup): string | undefined {
  if (whisperCli !== undefined) return resolve(whisperCli);
  const directories = searchPath.split(delimiter).filter((path) => isAbsolute(path));
  const candidates = programNames.flatMap((name) => directories.map((path) => join(path, name)));
  return candidates.find((path) => identityOf(path) !== undefined) ?? builtCliPath();
}

const detectorPackage = z.object({ version: z.string() });

function detectorVersion(): string {
  const require = createRequire(import.meta.url);
  return detectorPackage.parse(require('@echogarden/fvad-wasm/package.json')).version;
}

/** Where a model's file would be; see `findModel`. */
function modelPathOf(nameOrPath: string, modelsDir: string): string | undefined {
  if (isModelPath(nameOrPath)) return resolve(nameOrPath);
  const published = findPublishedModel(nameOrPath);
  return published && join(modelsDir, published.fileName);
}

/** Name, size and time of change of a file; undefined when there is none, or it can't be seen. */
function identityOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    const { size, mtimeMs } = statSync(path);
    return `${basename(path)} ${size} ${mtimeMs}`;
  } catch {
    return undefined;
  }
}

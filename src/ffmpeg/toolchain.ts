import { resolve } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import { DirectStarter } from '../processes/direct-starter.ts';
import { describeEnd } from '../processes/command-text.ts';
import { findProgram } from '../processes/find-program.ts';
import type { ProcessStarter } from '../processes/process-starter.ts';
import { runTool } from '../processes/tool-run.ts';
import type { ToolEnd } from '../processes/tool-run.ts';
import { mediaEnvironment } from './environment.ts';
import { limitsOfRun } from './run-limits.ts';
import { parseVersion } from './version.ts';
import type { ToolVersion } from './version.ts';

/** The two programs that all media work is done with. */
export interface Toolchain {
  readonly ffmpeg: Tool;
  readonly ffprobe: Tool;
  /** PATH of every child. */
  readonly searchPath: string;
}

/** A program that runs. */
export interface Tool {
  /** Absolute. */
  readonly path: string;
  /** Where it was found: a setting, PATH, or the npm package that comes with the service. */
  readonly origin: ToolOrigin;
  readonly version: ToolVersion;
}

/** Where a program was found. */
export type ToolOrigin = 'setting' | 'path' | 'bundled';

/** Where to look for the programs. */
export interface ToolchainSearch {
  /** Settings; a set path is used or it is a failure, nothing is tried in its place. */
  readonly ffmpegPath?: string | undefined;
  readonly ffprobePath?: string | undefined;
  /** The directories of PATH; the service's own when absent, none when empty. */
  readonly searchPath?: string;
  readonly clock?: Clock;
  /** Starts the programs that are tried; they are started directly by default. */
  readonly starter?: ProcessStarter;
}

/** Encoders without which the standard pipeline can't run. */
export const neededEncoders: readonly string[] = 'libx264 aac mjpeg mov_text pcm_s16le'.split(' ');

/** Filters likewise. */
export const neededFilters: readonly string[] =
  'scale setsar format thumbnail yadif aresample'.split(' ');

/** Milliseconds that a program may take to name its version; the slowest disk needs a second or two. */
const startLimitMs = 20_000;

type ToolName = 'ffmpeg' | 'ffprobe';

/**
 * Finds both programs, each for itself: the setting, else the one on PATH, else the bundled one. An
 * ffmpeg on PATH that lacks what the pipelines need is passed over. Failure: `tool`, with a message
 * for the operator that names the setting.
 */
export async function findToolchain(search: ToolchainSearch): Promise<Result<Toolchain, Failure>> {
  const finder = {
    searchPath: search.searchPath ?? process.env['PATH'] ?? '',
    clock: search.clock ?? systemClock,
    starter: search.starter ?? new DirectStarter(),
  };
  const [ffmpeg, ffprobe] = await Promise.all([
    findTool('ffmpeg', search.ffmpegPath, finder),
    findTool('ffprobe', search.ffprobePath, finder),
  ]);
  if (!ffmpeg.ok) return ffmpeg;
  if (!ffprobe.ok) return ffprobe;
  return ok({
    ffmpeg: ffmpeg.value,
    ffprobe: ffprobe.value,
    searchPath: finder.searchPath,
  });
}

interface Finder {
  readonly searchPath: string;
  readonly clock: Clock;
  readonly starter: ProcessStarter;
}

/** The names of what an ffmpeg was built with. */
interface Parts {
  readonly encoders: ReadonlySet<string>;
  readonly filters: ReadonlySet<string>;
}

async function findTool(
  name: ToolName,
  setPath: string | undefined,
  finder: Finder,
): Promise<Result<Tool, Failure>> {
  if (setPath !== undefined) {
    const path = resolve(setPath);
    const checked = await checkTool({ name, path, origin: 'setting' }, finder);
    return checked.ok ? checked : err(setToolFailure(name, path, checked.error));
  }
  const problems: string[] = [];
  for (const candidate of await findCandidates(name, finder.searchPath)) {
    const checked = await checkTool(candidate, finder);
    if (checked.ok) return checked;
    problems.push(`${candidate.path}: ${checked.error}`);
  }
  return err(noToolFailure(name, problems));
}

function setToolFailure(name: ToolName, path: string, problem: string): Failure {
  const message = `The setting ${settingName(name)} names ${path}, which can't be used: ${problem} Correct it, or leave it out to use the one on PATH or the bundled one.`;
  return failure('tool', message);
}

function noToolFailure(name: ToolName, problems: readonly string[]): Failure {
  const message = `No usable ${name} was found. Install ${name} 5 or later, or set ${settingName(name)} to its path.`;
  return failure('tool', message, problems.join('\n'));
}

function settingName(name: ToolName): string {
  return name === 'ffmpeg' ? 'FFMPEG_PATH (--ffmpeg-path)' : 'FFPROBE_PATH (--ffprobe-path)';
}

interface Candidate {
  readonly name: ToolName;
  readonly path: string;
  readonly origin: ToolOrigin;
}

async function findCandidates(name: ToolName, searchPath: string): Promise<readonly Candidate[]> {
  const onPath = await findProgram(name, searchPath);
  const bundled = await bundledToolPath(name);
  return [
    ...(onPath === undefined ? [] : [{ name, path: onPath, origin: 'path' as const }]),
    ...(bundled === undefined ? [] : [{ name, path: bundled, origin: 'bundled' as const }]),
  ];
}

const installedTool = z.object({ default: z.object({ path: z.string() }) });

/** The program of the npm package, or nothing where there is none for this kind of machine. */
async function bundledToolPath(name: ToolName): Promise<string | undefined> {
  try {
    // They look for their file while they load, and throw a string where they find none.
    const installed: unknown =
      name === 'ffmpeg'
        ? await import('@ffmpeg-installer/ffmpeg')
        : await import('@ffprobe-installer/ffprobe');
    return installedTool.parse(installed).default.path;
  } catch {
    return undefined;
  }
}

/** Whether a candidate runs and has what is needed; the error is a sentence. */
async function checkTool(candidate: Candidate, finder: Finder): Promise<Result<Tool, string>> {
  const { name, path, origin } = candidate;
  const ask = (...args: string[]): Promise<ToolEnd> => askTool([path, ...args], finder);
  const answer = await ask('-version');
  const version = parseVersion(name, answer.stdout);
  if (answer.exit.code !== 0) return err(`it does not run (${describeEnd(answer.exit)}).`);
  if (version === undefined) return err(`it is not ${name}.`);
  const tool = { path, origin, version };
  if (name === 'ffprobe') return ok(tool);
  const [encoders, filters] = await Promise.all([
    ask('-hide_banner', '-encoders'),
    ask('-hide_banner', '-filters'),
  ]);
  const missing = missingParts({
    encoders: secondWords(encoders.stdout),
    filters: secondWords(filters.stdout),
  });
  return missing.length === 0 ? ok(tool) : err(`it lacks ${missing.join(', ')}.`);
}

function missingParts({ encoders, filters }: Parts): readonly string[] {
  return [
    ...neededEncoders.filter((name) => !encoders.has(name)).map((name) => `the encoder ${name}`),
    ...neededFilters.filter((name) => !filters.has(name)).map((name) => `the filter ${name}`),
  ];
}

/** The names of a list such as ` V..... libx264   H.264…`: flags, name, description. */
function secondWords(list: string): ReadonlySet<string> {
  const names = list.split('\n').map((line) => line.trim().split(/\s+/)[1]);
  return new Set(names.filter((name) => name !== undefined));
}

function askTool(argv: readonly string[], finder: Finder): Promise<ToolEnd> {
  return runTool(
    {
      argv,
      cwd: '/',
      env: mediaEnvironment(finder.searchPath),
      // Confined as its runs will be, so that one that can't run so is found out at the start.
      access: { read: [], execute: argv.slice(0, 1), change: [] },
      limits: limitsOfRun({ timeoutMs: startLimitMs, threads: 1, fileBytesMax: mebibyte }),
      timeoutMs: startLimitMs,
      signal: new AbortController().signal,
    },
    finder,
  );
}
